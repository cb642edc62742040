from django.contrib import admin
from django.urls import include, path

handler500 = "config.headers.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("anymail/", include("anymail.urls")),
    path("", include("papers.urls")),
    path("", include("newsletter.urls")),
]
