from django.contrib import admin
from django.urls import include, path

from config.language import switch_language
from config.login_link import login_link

handler500 = "config.headers.server_error"

urlpatterns = [
    path("admin/login-link/<int:pk>/<str:token>/", login_link, name="login-link"),
    path("admin/", admin.site.urls),
    path("language/", switch_language, name="language"),
    path("anymail/", include("anymail.urls")),
    path("", include("papers.urls")),
    path("", include("newsletter.urls")),
]
