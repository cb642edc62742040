"""What a provider tells later, posted the way Postmark posts it, through Anymail's webhook."""

import base64
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.db import connection
from django.test import Client

from newsletter import signup, staying
from newsletter.addresses import parse_address
from newsletter.delivery import sweeping
from newsletter.models import Delivery, Edition, Event, Subscriber, Suppression
from newsletter.suppression import suppressed
from tests.factories import make_delivery, make_edition, make_subscriber

pytestmark = pytest.mark.django_db
URL = "/anymail/postmark/tracking/"
SECRET = "provider:a-long-secret"
READER = "reader@example.org"
PROVIDERS_ID = "883953f4-6105-42a2-a16a-77a8eac79483"
Post = Callable[..., None]


@pytest.fixture
def post(client: Client, settings: Any) -> Post:
    """Posts a payload with the secret that the provider was given, and hears 200."""
    settings.ANYMAIL_WEBHOOK_SECRET = SECRET

    def post(payload: dict[str, Any]) -> None:
        token = base64.b64encode(SECRET.encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        answer = client.post(URL, payload, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")

    return post


def sent(state: str = Delivery.State.ACCEPTED, **fields: Any) -> Delivery:
    """A mail to READER that the provider was given under PROVIDERS_ID."""
    reader = make_subscriber(email=READER)
    edition = make_edition(date=date(2026, 11, 20), state=fields.pop("edition_state", Edition.State.SENDING))
    moment = datetime(2026, 11, 20, 6, tzinfo=UTC)
    columns = {"message_id": PROVIDERS_ID, "planned_at": moment, **fields}
    return make_delivery(edition, reader, state=state, **columns)


def payload(kind: str, about: Delivery | None, **fields: Any) -> dict[str, Any]:
    """What stands in every event of Postmark's, about this delivery; without one, of another mail."""
    metadata = {"delivery_id": str(about.public_id)} if about else {}
    return {
        "RecordType": kind,
        "MessageID": PROVIDERS_ID if about else str(uuid4()),
        "MessageStream": "broadcast",
        "ServerID": 23,
        "Tag": "",
        "Metadata": metadata,
        **fields,
    }


def delivered(about: Delivery | None, **fields: Any) -> dict[str, Any]:
    told = {"Recipient": READER, "DeliveredAt": "2026-11-20T06:01:35Z", "Details": "smtp;250 ok"}
    return payload("Delivery", about, **{**told, **fields})


def bounced(about: Delivery | None, type_: str = "HardBounce", **fields: Any) -> dict[str, Any]:
    told = {
        "ID": 4323372036854775807,
        "Type": type_,
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Email": READER,
        "From": "papers@example.org",
        "BouncedAt": "2026-11-20T06:02:00.1234567Z",
        "Description": f"The server was unable to deliver your message to <{READER.upper()}>.",
        "Details": f"smtp;550 5.1.1 <{READER}> unknown",
        "Inactive": True,
        "DumpAvailable": True,
        "CanActivate": True,
        "Subject": "A paper",
    }
    return payload("Bounce", about, **{**told, **fields})


def complained(about: Delivery | None) -> dict[str, Any]:
    return {**bounced(about, "SpamComplaint", ID=42), "RecordType": "SpamComplaint"}


def left(about: Delivery | None) -> dict[str, Any]:
    told = {
        "Recipient": READER,
        "ChangedAt": "2026-11-20T07:00:00Z",
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    }
    return payload("SubscriptionChange", about, **told)


def opened(about: Delivery | None, at: str = "2026-11-20T08:00:00Z") -> dict[str, Any]:
    told = {"Recipient": READER, "ReceivedAt": at, "FirstOpen": True, "UserAgent": "Mail/1.0"}
    return payload("Open", about, **told)


def clicked(about: Delivery | None) -> dict[str, Any]:
    told = {"Recipient": READER, "ReceivedAt": "2026-11-20T08:01:00Z", "OriginalLink": "https://example.org/"}
    return payload("Click", about, **told)


def standing() -> tuple[str, str, str, list[str], bool]:
    """State and outcome of the one delivery, its reader's state, the events, is the address barred."""
    row = Delivery.objects.select_related("subscriber").get()
    types = list(Event.objects.order_by("pk").values_list("event_type", flat=True))
    barred = suppressed([READER]) == {READER}
    return row.state, row.outcome, row.subscriber.state, types, barred


def test_a_delivered_mail_is_known_to_be_delivered(post: Post) -> None:
    row = sent()
    post(delivered(row))
    assert standing() == ("accepted", "delivered", "active", ["delivered"], False)
    event = Event.objects.get()
    assert (event.delivery, event.timestamp) == (row, datetime(2026, 11, 20, 6, 1, 35, tzinfo=UTC))


def test_a_bounce_for_good_bars_the_address(post: Post) -> None:
    post(bounced(sent()))
    assert standing() == ("accepted", "bounced", "suppressed", ["bounced"], True)
    assert Suppression.objects.get().reason == "bounced"
    event = Event.objects.get()
    assert event.event_id == "Postmark:bounced:4323372036854775807"
    assert event.reject_reason == "bounced"
    assert event.description == "The server was unable to deliver your message to <(the reader)>."


def test_an_address_that_cannot_exist_is_barred(post: Post) -> None:
    post(bounced(sent(), "BadEmailAddress"))
    assert standing() == ("accepted", "rejected", "suppressed", ["rejected"], True)


@pytest.mark.parametrize(
    ("type_", "outcome", "event"),
    [
        ("SoftBounce", "bounced", "bounced"),
        ("Blocked", "rejected", "rejected"),
        ("Transient", "", "deferred"),
        ("AutoResponder", "", "autoresponded"),
    ],
)
def test_a_bounce_that_may_pass_bars_nobody(post: Post, type_: str, outcome: str, event: str) -> None:
    post(bounced(sent(), type_))
    assert standing() == ("accepted", outcome, "active", [event], False)


def test_a_complaint_bars_the_address(post: Post) -> None:
    post(complained(sent()))
    assert standing() == ("accepted", "complained", "suppressed", ["complained"], True)
    assert Suppression.objects.get().reason == "complained"


def test_who_leaves_at_the_provider_has_left(post: Post) -> None:
    row = sent()
    signup.request_preferences_link(parse_address(READER), now=datetime.now(UTC))
    post(left(row))
    assert standing() == ("accepted", "", "unsubscribed", ["unsubscribed"], False)
    assert row.subscriber.outbox.get().state == "rejected"


def test_outcomes_only_get_worse_in_whatever_order_events_come(post: Post) -> None:
    row = sent()
    outcomes = []
    for event in (
        delivered(row),
        bounced(row, "SoftBounce"),
        delivered(row, DeliveredAt="2026-11-20T09:00:00Z"),
    ):
        post(event)
        outcomes.append(Delivery.objects.get().outcome)
    for event in (complained(row), bounced(row)):
        post(event)
        outcomes.append(Delivery.objects.get().outcome)
    assert outcomes == ["delivered", "bounced", "bounced", "complained", "complained"]


def test_opens_and_clicks_are_kept_and_change_nothing(post: Post) -> None:
    row = sent()
    for event in (opened(row), opened(row, "2026-11-20T08:00:01Z"), clicked(row)):
        post(event)
    assert standing() == ("accepted", "", "active", ["opened", "opened", "clicked"], False)


def test_an_event_repeated_a_hundred_times_has_one_effect(post: Post) -> None:
    row = sent()
    events = [delivered(row), bounced(row), opened(row)]
    for _ in range(100):
        for event in events:
            post(event)
    assert standing() == ("accepted", "bounced", "suppressed", ["delivered", "bounced", "opened"], True)
    assert Suppression.objects.count() == 1


def test_a_repeated_event_does_not_undo_that_its_reader_came_back(post: Post) -> None:
    row = sent()
    post(left(row))
    Subscriber.objects.update(state=Subscriber.State.ACTIVE)  # as confirming anew does
    post(left(row))
    assert standing() == ("accepted", "", "active", ["unsubscribed"], False)


@pytest.mark.parametrize("state", ["handoff", "in_doubt", "pending", "claimed"])
def test_a_mail_that_the_provider_tells_of_was_accepted(post: Post, state: str) -> None:
    moment = datetime(2026, 11, 20, 6, tzinfo=UTC)
    row = sent(state, message_id="<ours@example.org>", token=uuid4(), lease_until=moment, reason="no answer")
    post(opened(row))
    assert standing() == ("accepted", "", "active", ["opened"], False)
    row.refresh_from_db()
    assert (row.token, row.lease_until, row.message_id) == (None, None, PROVIDERS_ID)
    assert row.settled_at is not None
    assert sweeping.sweep(now=moment + timedelta(days=1)) == 0


@pytest.mark.parametrize("state", ["rejected", "skipped", "expired"])
def test_other_states_stay(post: Post, state: str) -> None:
    post(delivered(sent(state)))
    assert standing() == (state, "delivered", "active", ["delivered"], False)


def test_an_edition_is_closed_without_doubt_once_the_last_doubt_is_gone(post: Post) -> None:
    row = sent("in_doubt", edition_state=Edition.State.CLOSED_WITH_IN_DOUBT)
    other = make_subscriber()
    doubt = make_delivery(row.edition, other, state="in_doubt")
    post(delivered(row))
    assert Edition.objects.get().state == "closed_with_in_doubt"
    post(delivered(doubt, Recipient=other.email))
    assert Edition.objects.get().state == "closed"


@pytest.mark.parametrize("stored", [PROVIDERS_ID, f"<{PROVIDERS_ID}>"])
def test_without_metadata_the_message_id_finds_the_delivery(post: Post, stored: str) -> None:
    row = sent(message_id=stored)
    post(bounced(row, Metadata={}))
    assert standing() == ("accepted", "bounced", "suppressed", ["bounced"], True)


@pytest.mark.parametrize("address", ["somebody@example.org", "", "not an address", "\x00"])
def test_an_event_about_another_address_is_ignored_and_logged(
    post: Post, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    row = sent("in_doubt")
    other = make_subscriber(email="somebody@example.org")
    logging.getLogger("newsletter").propagate = True
    post(bounced(row, Email=address))
    assert standing() == ("in_doubt", "", "active", [], False)
    other.refresh_from_db()
    assert (other.state, Suppression.objects.count()) == ("active", 0)
    assert caplog.messages == [
        f"Postmark told 'bounced' of delivery {row.public_id} with another address: ignored"
    ]


def test_the_address_is_compared_as_addresses_are(post: Post) -> None:
    post(delivered(sent(), Recipient="Reader@EXAMPLE.org"))
    assert standing() == ("accepted", "delivered", "active", ["delivered"], False)


@pytest.mark.parametrize(
    "delivery_id",
    ["", "nonsense", "7", "6f9619ff-8b86-4d01-b42d-00c04fc964ff", ["a", "list"], {"a": 1}, "\x00"],
)
def test_an_event_of_no_delivery_is_kept_and_does_nothing(post: Post, delivery_id: object) -> None:
    sent()
    post(complained(None) | {"Metadata": {"delivery_id": delivery_id}})
    assert standing() == ("accepted", "", "active", ["complained"], False)
    assert Event.objects.get().delivery is None


def test_who_unsubscribed_stays_unsubscribed_when_a_bounce_comes_later(post: Post) -> None:
    row = sent()
    staying.unsubscribe(row.subscriber_id, now=datetime.now(UTC))
    post(bounced(row))
    assert standing() == ("accepted", "bounced", "unsubscribed", ["bounced"], True)


def test_an_erased_readers_event_is_kept_without_the_reader(post: Post) -> None:
    row = sent()
    event = bounced(row)
    row.subscriber.delete()
    post(event)
    kept = Event.objects.get()
    assert (kept.delivery, Suppression.objects.count()) == (None, 0)
    assert READER not in f"{kept.event_id} {kept.description}".lower()


def test_words_that_a_database_does_not_take_are_cleaned(post: Post) -> None:
    row = sent()
    long = "x" * 5000
    post(bounced(row, ID=f"a\x00b{long}", Description=f"one\x00two\n{long}", MessageID=f"\x00{long}"))
    event = Event.objects.get()
    assert (event.event_type, len(event.event_id) <= 200) == ("bounced", True)
    assert event.description == f"one two {long}"[:500]


def test_nobody_without_the_secret_is_heard(client: Client, settings: Any) -> None:
    settings.ANYMAIL_WEBHOOK_SECRET = SECRET
    row = sent()
    wrong = base64.b64encode(b"provider:guess").decode()
    for headers in ({}, {"Authorization": f"Basic {wrong}"}):
        answer = client.post(URL, bounced(row), content_type="application/json", headers=headers)
        assert answer.status_code == 400
    assert standing() == ("accepted", "", "active", [], False)


@pytest.mark.django_db(transaction=True)
def test_the_same_event_eight_times_at_once_has_one_effect() -> None:
    row = sent("in_doubt")
    event = AnymailTrackingEvent(
        event_type="complained",
        event_id="42",
        message_id=PROVIDERS_ID,
        metadata={"delivery_id": str(row.public_id)},
        recipient=READER,
    )

    def tell(_: int) -> None:
        try:
            tracking.send(sender=None, event=event, esp_name="Postmark")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(8)))
    assert standing() == ("accepted", "complained", "suppressed", ["complained"], True)
