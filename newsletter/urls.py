from datetime import date

from django.urls import path, register_converter

from newsletter import crawling, feeds, open_data, views
from newsletter.people import coming, leaving, staying


class DayConverter:
    """2026-11-20 in a URL is a date in the view; a day that is not in the calendar is no page."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(DayConverter, "day")

urlpatterns = [
    path("", views.today, name="today"),
    path("<day:day>/", views.edition, name="edition"),
    path("<day:day>/mix/<str:slug>/", views.digest, name="digest"),
    path("<day:first>/<day:day>/mix/<str:slug>/", views.digest, name="window_digest"),
    path("subscribe/", coming.subscribe, name="subscribe"),
    path("confirm/<str:token>/", coming.confirm, name="confirm"),
    path("preferences/", coming.preferences_link, name="preferences_link"),
    path("preferences/<str:token>/", staying.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", leaving.unsubscribe, name="unsubscribe"),
    path("feed.atom", feeds.feed, name="feed"),
    path("<day:day>.json", open_data.edition, name="edition_json"),
    path("sitemap.xml", crawling.sitemap, name="sitemap"),
    path("sitemap-<slug:section>.xml", crawling.sitemap_section, name="sitemap_section"),
    path("robots.txt", crawling.robots, name="robots"),
    path("healthz", views.healthz, name="healthz"),
]
