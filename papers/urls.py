from django.urls import path

from papers import views

urlpatterns = [
    path("search/", views.search, name="search"),
    path("topics/", views.topics, name="topics"),
    path("topics/<slug:slug>/", views.topic, name="topic"),
    # Old arXiv ids hold a slash: hep-th/9901001.
    path("papers/<path:key>/", views.paper, name="paper"),
]
