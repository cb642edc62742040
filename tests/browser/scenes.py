"""Every page of the reader's side in every state: where it is, and what to press to get there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from newsletter.models import Delivery, Edition, OutboxMail, Subscriber, WeightChange
from newsletter.tokens import link_token, one_off_hash
from papers.models import Paper, Topic
from tests.browser.gallery import DAY, Hung
from tests.factories import make_delivery, make_subscriber

LONG_AGO = timedelta(days=9)


@dataclass(frozen=True)
class Scene:
    """A page; then, on it and on those that follow, fields filled in by their labels and a button each."""

    path: str
    status: int = 200
    fill: Mapping[str, str] = field(default_factory=dict)
    press: tuple[str, ...] = ()


def paper_scenes(hung: Hung) -> dict[str, Scene]:
    """What anybody may read."""
    lead, old = hung.lead, DAY - timedelta(days=400)
    return {
        "today": Scene("/"),
        "edition": Scene(f"/{DAY}/"),
        "edition-before": Scene(f"/{DAY - timedelta(days=1)}/"),
        "quiet": Scene(f"/{DAY - timedelta(days=2)}/"),
        "edition-none": Scene(f"/{old}/", status=404),
        "week": Scene(f"/week/{DAY:%G-W%V}/"),
        "month": Scene(f"/month/{DAY:%Y-%m}/"),
        "week-none": Scene(f"/week/{old:%G-W%V}/", status=404),
        "topics": Scene("/topics/"),
        "topic": Scene("/topics/language-models/"),
        "topic-empty": Scene("/topics/theory/"),
        "search": Scene("/search/?q=throughput+decoding+OR+agents"),
        "search-narrowed": Scene(f"/search/?q=model&topic=language-models&topic=agents&from={DAY:%Y-%m}-01"),
        "search-nothing": Scene("/search/?q=interpretabillity+probe"),
        "search-asked-nothing": Scene("/search/"),
        "paper": Scene(f"/papers/{lead.arxiv_id}/"),
        "paper-unknown": Scene(f"/papers/{hung.bare.title_hash}/"),
        "404": Scene("/nowhere/", status=404),
    }


def counter_scenes(hung: Hung) -> dict[str, Scene]:
    """Coming in, up to the mail."""
    asking = {"Your email": "nobody@localhost"}
    weekly = "topic=agents&topic=reasoning&days=fri&hour=7&timezone=Europe/Vienna&length=5"
    fresh, old = _reader(), _reader()
    return {
        "subscribe": Scene("/subscribe/"),
        "subscribe-chosen": Scene(f"/subscribe/?{weekly}"),
        "subscribe-errors": Scene("/subscribe/", 400, fill=asking, press=("Subscribe",)),
        "preview": Scene("/subscribe/preview/?topic=agents"),
        "preview-weekly": Scene(f"/subscribe/preview/?{weekly}"),
        "preview-nothing": Scene("/subscribe/preview/?topic=theory"),
        "embed": Scene("/embed/"),
        "embed-topics": Scene("/embed/?topic=agents&topic=theory"),
        "preferences-link": Scene("/preferences/"),
        "preferences-link-errors": Scene("/preferences/", 400, fill=asking, press=("Mail me the link",)),
        "confirm": Scene(_one_off("confirm", fresh)),
        "confirm-expired": Scene(_one_off("confirm", old, sent=LONG_AGO), status=410),
        "link-unknown": Scene("/confirm/nobody/", status=404),
        "welcome": Scene(_one_off("confirm", _pending(hung)), press=("Yes, bring me the papers",)),
        "welcome-comes": Scene(_link("welcome", _reader(hung)), press=("Send me today’s now",)),
        "welcome-came": Scene(_link("welcome", _had_todays(hung))),
        "welcome-nothing": Scene(_link("welcome", _reader(hung, "Theory"))),
    }


def desk_scenes(hung: Hung) -> dict[str, Scene]:
    """Being a reader: preferences, more and less like this."""
    lead = hung.lead.arxiv_id
    chosen = _reader(hung, "Agents", "Theory", "Vision", timezone="Europe/Berlin", hour=7, weekdays=31)
    paused = _reader(hung, "Agents", paused_until=DAY + timedelta(days=20))
    several, full, none = _reader(hung, "Agents", "Robotics"), _reader(hung, "Agents"), _reader()
    _weigh(hung.topics["Efficient inference"], full, hung.lead, "more")
    changed = _reader(hung, "Agents")
    for days, before, after in ((3, "normal", "more"), (1, "more", "normal")):
        WeightChange.objects.create(
            subscriber=changed, topic=hung.topics["Agents"], paper=hung.lead, before=before, after=after,
            changed_at=timezone.now() - timedelta(days=days),
        )  # fmt: skip
    preferences = _link("preferences", chosen)
    return {
        "preferences": Scene(preferences),
        "preferences-saved": Scene(_link("preferences", _reader(hung, "Agents")), press=("Save",)),
        "preferences-paused": Scene(_link("preferences", paused)),
        "preferences-paused-now": Scene(_link("preferences", _reader(hung, "Agents")), press=("2 weeks",)),
        "preferences-changed": Scene(_link("preferences", changed)),
        "preferences-mailed": Scene(_link("preferences", _reader()), press=("Mail me a private link",)),
        "taste-more": Scene(f"{preferences}more/{lead}/"),
        "taste-less": Scene(f"{_link('preferences', full)}less/{lead}/"),
        "taste-at-end": Scene(f"{_link('preferences', full)}more/{lead}/"),
        "taste-no-topics": Scene(f"{_link('preferences', none)}more/{lead}/"),
        "taste-nothing": Scene(f"{_link('preferences', none)}less/{lead}/"),
        "taste-done": Scene(f"{_link('preferences', several)}more/{lead}/", press=("Yes, more of it",)),
        "taste-undone": Scene(
            f"{_link('preferences', _reader(hung, 'Agents'))}more/{lead}/", press=("Yes, more of it", "Undo")
        ),
        "taste-gone": Scene(f"{preferences}more/2401.99999/", status=404),
    }


def leaving_scenes(hung: Hung) -> dict[str, Scene]:
    """Leaving, coming back, and everything behind private links."""
    lately = timezone.now() - timedelta(minutes=5)
    left = _reader(state=Subscriber.State.UNSUBSCRIBED, unsubscribed_at=timezone.now() - LONG_AGO)
    was = {"active_from": timezone.now() - LONG_AGO}
    gone = _reader(state=Subscriber.State.UNSUBSCRIBED, unsubscribed_at=lately, **was)
    bounced = _reader(state=Subscriber.State.SUPPRESSED)
    taken = _reader()
    erase = ("Erase everything …", "Yes, erase everything")
    return {
        "unsubscribe": Scene(_link("unsubscribe", _reader())),
        "left": Scene(_link("unsubscribe", _reader()), press=("Unsubscribe",)),
        "left-lately": Scene(_link("unsubscribe", gone)),
        "left-weekly-instead": Scene(
            _link("unsubscribe", _reader()), press=("Unsubscribe", "One mail a week")
        ),
        "left-undone": Scene(
            _link("unsubscribe", _reader()), press=("Unsubscribe", "Undo, and keep them coming")
        ),
        "left-long-ago": Scene(_link("unsubscribe", left)),
        "left-bounced": Scene(_link("unsubscribe", bounced)),
        "check-inbox": Scene(_link("unsubscribe", left), press=("Mail me a link to come back",)),
        "private": Scene(_one_off("private", _reader())),
        "private-expired": Scene(_one_off("private", _reader(), sent=LONG_AGO), status=410),
        "erase": Scene(_one_off("private", _reader()), press=erase[:1]),
        "erased": Scene(_one_off("private", _reader()), press=erase),
        "move-errors": Scene(
            _one_off("private", _reader()), 400, fill={"Your new address": "a@b"}, press=("Ask this address",)
        ),
        "move-asked": Scene(
            _one_off("private", _reader()),
            fill={"Your new address": "new@example.org"},
            press=("Ask this address",),
        ),
        "move": Scene(_one_off("move", _reader(), to="there@example.org")),
        "moved": Scene(
            _one_off("move", _reader(), to="elsewhere@example.org"), press=("Yes, bring them here",)
        ),
        "move-taken": Scene(_one_off("move", _reader(), to=taken.email), status=409),
        "move-expired": Scene(_one_off("move", _reader(), to="late@example.org", sent=LONG_AGO), status=410),
    }


ROOMS: Mapping[str, Callable[[Hung], dict[str, Scene]]] = {
    "paper": paper_scenes,
    "counter": counter_scenes,
    "desk": desk_scenes,
    "leaving": leaving_scenes,
}


def _link(page: str, reader: Subscriber) -> str:
    purpose = "preferences" if page == "welcome" else page
    return f"/{page}/{link_token(purpose, reader.handle, reader.secret)}/"


def _one_off(kind: str, reader: Subscriber, *, to: str = "", sent: timedelta = timedelta(0)) -> str:
    token = f"{kind}-{reader.handle}"
    OutboxMail.objects.create(
        subscriber=reader, kind=kind, mix=reader.mix if kind == "confirm" else None, state="accepted",
        to=to, to_key=to, token_hash=one_off_hash(token), handed_over_at=timezone.now() - sent,
    )  # fmt: skip
    return f"/{kind}/{token}/"


def _reader(hung: Hung | None = None, *names: str, state: str = "active", **fields: object) -> Subscriber:
    topics = {hung.topics[name]: "normal" for name in names or ("Agents", "Reasoning")} if hung else {}
    return make_subscriber(topics=topics, state=state, **fields)


def _pending(hung: Hung) -> Subscriber:
    return _reader(hung, state="pending")


def _had_todays(hung: Hung) -> Subscriber:
    reader = _reader(hung)
    edition = Edition.objects.get(date=DAY)
    make_delivery(edition, reader, state=Delivery.State.ACCEPTED, settled_at=timezone.now())
    return reader


def _weigh(topic: Topic, reader: Subscriber, paper: Paper, weight: str) -> None:
    from newsletter.mixes import mix_for

    reader.mix = mix_for({topic: weight})
    reader.save()
