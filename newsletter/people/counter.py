"""The counter at which one subscribes: the whole form, with how much each topic usually brings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from newsletter.forms.asking import SubscribeForm, as_typed
from newsletter.forms.choosing import ChoiceForm
from newsletter.mixes import DEFAULT_LENGTH
from newsletter.usual import Usual, in_words, mail_in_words, sentences, usual
from newsletter.weekdays import EVERY_DAY
from papers.models import Topic

TIMES = ("days", "hour", "timezone")


@dataclass(frozen=True, slots=True)
class Chip:
    topic: Topic
    often: str  # "3 a day"; "" where no edition was printed yet


def active_topics() -> list[Topic]:
    return list(Topic.objects.filter(is_active=True))


def wanted(data: QueryDict) -> dict[str, Any]:
    """What a link or a foreign page wants filled in: `topic` or `topics`, and the fields of the choice."""
    found: dict[str, Any] = {"topics": [*data.getlist("topic"), *data.getlist("topics")]}
    return found | {name: data[name] for name in ("length", *TIMES) if name in data}


def counter(
    request: HttpRequest,
    form: SubscribeForm,
    *,
    errors: Any = None,
    almost: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The page with the whole form. `errors` are those of the form, unless others are given. Two queries at
    most, besides those that found the topics."""
    count = usual()
    topics, each = list(form.by_slug.values()), count.each_a_day()
    context = {
        "form": form,
        "errors": form.errors if errors is None else errors,
        "almost": almost,
        "chips": [Chip(topic, in_words(each.get(topic.slug, 0)) if count.days else "") for topic in topics],
        "days": count.days,
        "papers": papers_for_scripts(count, topics),
        "total": total(count, form),
        "sentences": sentences(),
        "details_open": _has_own_times(form),
    }
    return render(request, "newsletter/subscribe.html", context, status=status)


def _has_own_times(form: SubscribeForm) -> bool:
    """Whether the page must show when mail comes: it is not as usual, or something is wrong with it."""
    shown = form.shown_times()
    unusual = shown.hour is not None or shown.weekdays != EVERY_DAY or form.shown_length() != DEFAULT_LENGTH
    return unusual or (form.is_bound and bool(form.errors.keys() & {"length", *TIMES}))


def total(count: Usual, form: ChoiceForm) -> str:
    """ "About 6 papers a day" for what the form shows; "" where nothing was counted yet."""
    if not count.days:
        return ""
    weekly = form.shown_times().weekly
    return mail_in_words(count.a_day(form.chosen()), length=form.shown_length(), weekly=weekly)


def papers_for_scripts(count: Usual, topics: Sequence[Topic]) -> str:
    """The counts as "0.3:12 5:40": papers that match the topics number 0 and 3 of the page, and so on."""
    numbers = {topic.slug: number for number, topic in enumerate(topics)}
    words = []
    for own, papers in count.papers:
        known = sorted(numbers[slug] for slug in own if slug in numbers)
        words.append(f"{'.'.join(map(str, known))}:{papers}")
    return " ".join(words)


def prefilled(request: HttpRequest, topics: Sequence[Topic], data: QueryDict) -> SubscribeForm:
    """The form as a link or another page wants it filled in; it was not sent, so nothing is wrong with it."""
    address = as_typed(data.get("email", "")) if request.method == "POST" else ""
    return SubscribeForm(topics=topics, initial={**wanted(data), "email": address})
