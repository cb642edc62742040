from django.urls import path

from papers import feeds, open_data, views

urlpatterns = [
    path("search/", views.search, name="search"),
    path("search.json", open_data.search, name="search_json"),
    path("search/feed.atom", feeds.search_feed, name="search_feed"),
    path("topics/", views.topics, name="topics"),
    path("topics.json", open_data.topics, name="topics_json"),
    path("topics/<slug:slug>/", views.topic, name="topic"),
    path("topics/<slug:slug>.json", open_data.topic, name="topic_json"),
    path("topics/<slug:slug>/feed.atom", feeds.topic_feed, name="topic_feed"),
    # Old arXiv ids hold a slash: hep-th/9901001.
    path("papers/<path:key>.json", open_data.paper, name="paper_json"),
    path("papers/<path:key>/", views.paper, name="paper"),
]
