"""More like this, less like this: the page behind the two links beside a paper in a mail, and undoing."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from newsletter import tasting
from newsletter.models import Subscriber, WeightChange
from newsletter.people.behind_link import behind_preferences_link
from newsletter.tasting import Direction
from papers.card import card_of
from papers.models import Paper


@behind_preferences_link
def taste(request: HttpRequest, reader: Subscriber, token: str, key: str, direction: str) -> HttpResponse:
    """What would change, and a button; the button changes it, and the page then offers to undo it."""
    context: dict[str, Any] = {"preferences_token": token, "direction": direction}
    paper = tasting.paper_named(key)
    if paper is None:
        return render(request, "newsletter/taste.html", {**context, "page": "gone"}, status=404)
    context |= {"paper": card_of(paper)}
    if request.method == "POST":
        context |= _press(request, reader, paper, Direction(direction))
        reader.refresh_from_db()
    if context.get("page") not in ("done", "undone"):
        context |= _offer(reader, paper, Direction(direction))
    return render(request, "newsletter/taste.html", context)


@behind_preferences_link
def undo_taste(request: HttpRequest, reader: Subscriber, token: str) -> HttpResponse:
    """The button beside each change in the preferences."""
    if request.method == "POST":
        _undo(request, reader)
    return HttpResponseRedirect(f"{reverse('preferences', args=[token])}#lately")


def _press(request: HttpRequest, reader: Subscriber, paper: Paper, direction: Direction) -> dict[str, Any]:
    """What the press of a button came to, as the page shows it."""
    if "undo" in request.POST:
        undone = _undo(request, reader)
        return {"page": "undone", "change": undone} if undone else {"too_late": True}
    slug, _, before = request.POST.get("step", "").partition(":")
    chosen = [step for step in tasting.steps(reader, paper, direction) if step.topic.slug == slug]
    if not chosen and direction is Direction.LESS:
        # It may have just gone: pressing twice is no mistake.
        chosen = [step for step in tasting.steps(reader, paper, Direction.MORE) if step.topic.slug == slug]
    if not chosen:
        return {"too_late": bool(slug)}
    topic = chosen[0].topic
    change = tasting.move(reader.pk, paper, topic, direction, before=before, now=timezone.now())
    return {"page": "done", "change": change} if change else {"too_late": True}


def _undo(request: HttpRequest, reader: Subscriber) -> WeightChange | None:
    number = request.POST.get("undo", "")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return tasting.undo(reader.pk, int(number), now=timezone.now())


def _offer(reader: Subscriber, paper: Paper, direction: Direction) -> dict[str, Any]:
    steps = tasting.steps(reader, paper, direction)
    movable = [step for step in steps if not step.is_at_end]
    return {
        "page": "offer" if movable else "nothing",
        "steps": movable,
        "at_end": [step for step in steps if step.is_at_end],
        "has_topics": reader.mix.choices.exists(),
    }
