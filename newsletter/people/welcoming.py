"""The welcome: what was chosen, when the first mail comes, and a button for today's at once."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from newsletter import at_once
from newsletter.at_once import Answer, AtOnce
from newsletter.doorbell import ring_senders_after_commit
from newsletter.expecting import next_mail
from newsletter.models import Edition, Subscriber, TopicMix
from newsletter.people.behind_link import behind_preferences_link
from newsletter.schedule import zone_or_utc
from newsletter.times import Times, in_words, times_of
from newsletter.tokens import link_token
from papers.reading.timetable import freeze_moment

_ONE_DAY = timedelta(days=1)


@behind_preferences_link
def welcome(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    """The welcome again, by the link to the preferences; POST asks for today's mail now."""
    now = timezone.now()
    if request.method != "POST":
        return welcome_page(request, reader, now=now)
    found = at_once.send(reader, now=now)
    if found.answer is Answer.COMES:
        ring_senders_after_commit()
    return welcome_page(request, reader, now=now, asked=found)


def welcome_page(
    request: HttpRequest, reader: Subscriber, *, now: datetime, asked: AtOnce | None = None
) -> HttpResponse:
    """`asked`: what came of asking for today's mail."""
    times = times_of(reader)
    found = asked or at_once.look(reader, now=now)
    zone = zone_or_utc(reader.timezone)
    context: dict[str, Any] = {
        "choice": choice_in_words(reader.mix, times),
        "preferences_token": link_token("preferences", reader.handle, reader.secret),
        "at_once": found.answer.value,
        "edition": found.edition,
        "is_today": found.edition is not None and found.edition.date == now.date(),
        "asked": asked is not None,
        "zone": zone,
        "hour": reader.hour,
        "next": next_mail(
            zone=zone,
            hour=reader.hour,
            weekdays=reader.weekdays,
            after=_from_when(found, now=now),
            freezes=[freeze_moment(now.date() + ahead * _ONE_DAY) for ahead in range(10)],
        ),
    }
    return render(request, "newsletter/welcome.html", context)


def _from_when(found: AtOnce, *, now: datetime) -> datetime:
    """Where the edition of the day is done with, for them or for all, the next mail has the next one."""
    edition = found.edition
    if edition is None:
        return now
    theirs = found.answer in (Answer.COMES, Answer.CAME)
    if theirs or edition.state not in Edition.SENDABLE:
        return max(now, freeze_moment(edition.date + _ONE_DAY))
    return now


def choice_in_words(mix: TopicMix, times: Times) -> dict[str, Any]:
    """What `newsletter/_choice.html` takes."""
    choices = mix.choices.select_related("topic").order_by("topic__position", "topic__name")
    return {
        "topics": [{"name": choice.topic.name, "weight": choice.weight} for choice in choices],
        "length": mix.length,
        "when": in_words(times),
    }
