from datetime import date

from django.urls import path, register_converter

from newsletter import views
from newsletter.people import coming, embedding, leaving, previewing, private, staying, welcoming


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
    path("subscribe/preview/", previewing.look, name="preview"),
    path("subscribe/preview/mail/", previewing.mail, name="preview_mail"),
    path("embed/", embedding.embed, name="embed"),
    path("confirm/<str:token>/", coming.confirm, name="confirm"),
    path("welcome/<str:token>/", welcoming.welcome, name="welcome"),
    path("preferences/", coming.preferences_link, name="preferences_link"),
    path("preferences/<str:token>/", staying.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", leaving.unsubscribe, name="unsubscribe"),
    path("private/<str:token>/", private.private, name="private"),
    path("move/<str:token>/", private.move, name="move"),
    path("robots.txt", views.robots, name="robots"),
    path("healthz", views.healthz, name="healthz"),
]
