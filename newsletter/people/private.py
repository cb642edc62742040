"""Behind links that are good for an hour: what is stored of a reader, erasing it, another address."""

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from newsletter.doorbell import ring_after_commit
from newsletter.forms.moving import MoveForm
from newsletter.models import OutboxMail, Subscriber
from newsletter.own_data import erasing, links, moving
from newsletter.own_data.export import everything
from newsletter.own_data.moving import Outcome
from newsletter.people.behind_link import bad_link, behind_mailed_link, masked
from newsletter.people.evenly import in_even_time
from newsletter.tokens import link_token

STATUS = {Outcome.MOVED: 200, Outcome.TAKEN: 409}


@behind_mailed_link
@in_even_time
def private(request: HttpRequest, token: str) -> HttpResponse:
    """Download, another address, erase: each a button. Erasing asks once more."""
    link = links.look_up(token)
    if link is None:
        return bad_link(request)
    if not links.is_fresh(link, now=timezone.now()):
        return _expired(request)
    if "export" in request.POST:
        return _download(link.subscriber)
    if "move" in request.POST:
        return _ask_to_move(request, link)
    if request.POST.get("erase") == "yes":
        # Stale by now: a move in another window may have come first, and nobody must believe to be forgotten.
        if not erasing.erase(link, now=timezone.now()):
            return _expired(request)
        return render(request, "newsletter/erased.html")
    if "erase" in request.POST:
        return render(request, "newsletter/erase.html", {"masked": masked(link.subscriber.email)})
    return _page(request, link, MoveForm())


@behind_mailed_link
def move(request: HttpRequest, token: str) -> HttpResponse:
    """The page in the new inbox: one button, and the mail comes here."""
    now = timezone.now()
    if request.method == "POST":
        seen = moving.confirm_move(token, now=now)
        ring_after_commit()
    else:
        seen = moving.look_up(token, now=now)
    if seen.outcome is Outcome.UNKNOWN or seen.reader is None:
        return bad_link(request)
    context = {
        "outcome": seen.outcome.value,
        "done": seen.done,
        "preferences_token": link_token("preferences", seen.reader.handle, seen.reader.secret)
        if seen.done
        else "",
    }
    return render(request, "newsletter/move.html", context, status=STATUS.get(seen.outcome, 410))


def _expired(request: HttpRequest) -> HttpResponse:
    return render(request, "newsletter/private_expired.html", status=410)


def _page(request: HttpRequest, link: OutboxMail, form: MoveForm) -> HttpResponse:
    reader = link.subscriber
    context = {
        "form": form,
        "masked": masked(reader.email),
        "is_reader": reader.state == Subscriber.State.ACTIVE,
    }
    return render(request, "newsletter/private.html", context, status=400 if form.errors else 200)


def _download(reader: Subscriber) -> HttpResponse:
    answer = JsonResponse(
        everything(reader, now=timezone.now()),
        encoder=DjangoJSONEncoder,
        json_dumps_params={"ensure_ascii": False, "indent": 2},
    )
    answer["Content-Disposition"] = 'attachment; filename="what-is-stored.json"'
    return answer


def _ask_to_move(request: HttpRequest, link: OutboxMail) -> HttpResponse:
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _page(request, link, form)
    moving.request_move(link, form.address, now=timezone.now())
    ring_after_commit()
    return render(request, "newsletter/move_asked.html")
