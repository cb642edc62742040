from datetime import date

from django.urls import path, register_converter

from newsletter import crawling, feeds, looking_back, open_data, spans, views
from newsletter.people import (
    coming,
    embedding,
    leaving,
    previewing,
    private,
    staying,
    tasting,
    welcoming,
)


class DayConverter:
    """2026-11-20 in a URL is a date in the view; a day that is not in the calendar is no page."""

    regex = spans.Day.pattern

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class SpanConverter:
    """2026-W47, 2026-11: a week or month in the view; one that is not in the calendar is no page."""

    kind: type[spans.Span]

    def to_python(self, value: str) -> spans.Span:
        return self.kind.parse(value)

    def to_url(self, value: spans.Span) -> str:
        return value.slug


class WeekConverter(SpanConverter):
    kind = spans.Week
    regex = spans.Week.pattern


class MonthConverter(SpanConverter):
    kind = spans.Month
    regex = spans.Month.pattern


register_converter(DayConverter, "day")
register_converter(WeekConverter, "week")
register_converter(MonthConverter, "month")

urlpatterns = [
    path("", views.today, name="today"),
    path("<day:day>/", views.edition, name="edition"),
    path("<day:day>/mix/<str:slug>/", views.digest, name="digest"),
    path("<day:first>/<day:day>/mix/<str:slug>/", views.digest, name="window_digest"),
    path("week/", looking_back.this_week, name="this_week"),
    path("week/<week:span>/", looking_back.week, name="week"),
    path("month/", looking_back.this_month, name="this_month"),
    path("month/<month:span>/", looking_back.month, name="month"),
    path("subscribe/", coming.subscribe, name="subscribe"),
    path("subscribe/preview/", previewing.look, name="preview"),
    path("subscribe/preview/mail/", previewing.mail, name="preview_mail"),
    path("embed/", embedding.embed, name="embed"),
    path("confirm/<str:token>/", coming.confirm, name="confirm"),
    path("welcome/<str:token>/", welcoming.welcome, name="welcome"),
    path("preferences/", coming.preferences_link, name="preferences_link"),
    path("preferences/<str:token>/", staying.preferences, name="preferences"),
    path("preferences/<str:token>/undo/", tasting.undo_taste, name="undo_taste"),
    # Old arXiv ids hold a slash: hep-th/9901001.
    path("preferences/<str:token>/more/<path:key>/", tasting.taste, {"direction": "more"}, name="more_like"),
    path("preferences/<str:token>/less/<path:key>/", tasting.taste, {"direction": "less"}, name="less_like"),
    path("unsubscribe/<str:token>/", leaving.unsubscribe, name="unsubscribe"),
    path("private/<str:token>/", private.private, name="private"),
    path("move/<str:token>/", private.move, name="move"),
    path("feed.atom", feeds.feed, name="feed"),
    path("<day:day>.json", open_data.edition, name="edition_json"),
    path("week/<week:span>.json", open_data.span, name="week_json"),
    path("month/<month:span>.json", open_data.span, name="month_json"),
    path("sitemap.xml", crawling.sitemap, name="sitemap"),
    path("sitemap-<slug:section>.xml", crawling.sitemap_section, name="sitemap_section"),
    path("robots.txt", crawling.robots, name="robots"),
    path("healthz", views.healthz, name="healthz"),
]
