"""The commands a person types: build_edition, send_edition, tick."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test.utils import override_settings
from django.utils import timezone

from newsletter.delivery import planning
from newsletter.models import Delivery, Edition, Subscriber
from papers.models import Topic
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.newsletter.smtp_script import smtp_server

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)


def run(command: str, *arguments: str) -> list[str]:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def agents() -> Topic:
    return make_topic(slug="agents")


@pytest.fixture
def edition(agents: Topic) -> Edition:
    papers = [(make_paper(title=title), [agents]) for title in ("The first", "The second")]
    return make_edition(date=DAY, papers=papers)


@pytest.fixture
def readers(agents: Topic) -> list[Subscriber]:
    nothing = make_topic(slug="theory")
    return [
        make_subscriber(email="ada@example.org", topics={agents: "normal"}),
        make_subscriber(email="ben@example.org", topics={agents: "normal"}),
        make_subscriber(email="cy@example.org", topics={nothing: "normal"}),
    ]


def test_a_window_that_was_cancelled_a_moment_ago_keeps_nobody_from_an_edition_that_it_covered(
    edition: Edition, readers: list[Subscriber]
) -> None:
    """No tick has settled it yet."""
    cancelled = make_edition(date=DAY + timedelta(days=1), state="cancelled", closed_at=timezone.now())
    make_delivery(cancelled, readers[0], first_on=DAY)
    run("send_edition", "--date", "2026-11-20")
    assert [message.to for message in mail.outbox] == [["ada@example.org"], ["ben@example.org"]]


def test_it_sends_once_and_says_so(edition: Edition, readers: list[Subscriber]) -> None:
    assert run("send_edition") == [
        "Edition of 2026-11-20: 3 planned, 2 digests composed, 2 mails accepted, 1 skipped, 0 rejected, "
        "0 in doubt",
        "Closed.",
    ]
    assert [message.to for message in mail.outbox] == [["ada@example.org"], ["ben@example.org"]]
    assert run("send_edition") == ["Edition of 2026-11-20 is closed: nothing to send."]
    assert run("send_edition", "--dry-run") == ["Edition of 2026-11-20 is closed: nothing to send."]
    assert len(mail.outbox) == 2


def test_a_dry_run_sends_nothing_and_changes_nothing(edition: Edition, readers: list[Subscriber]) -> None:
    expected = [
        "Edition of 2026-11-20, frozen",
        "     2 readers  2 papers: The first, and 1 more",
        "     1 readers  nothing matches, no mail",
        "2 mails, 2 digests. Nothing was sent.",
    ]
    assert sorted(run("send_edition", "--dry-run")) == sorted(expected)
    edition.refresh_from_db()
    assert (edition.state, Delivery.objects.count(), mail.outbox) == ("frozen", 0, [])
    planning.plan(edition, now=timezone.now())
    expected[0] = "Edition of 2026-11-20, sending"
    assert sorted(run("send_edition", "--dry-run")) == sorted(expected), "planned and still waiting"
    assert run("send_edition", "--dry-run", "--to", "ada@example.org")[-1] == (
        "1 mails, 1 digests. Nothing was sent."
    )


def test_a_dry_run_leaves_out_who_gets_nothing_and_tells_windows_apart(
    edition: Edition, readers: list[Subscriber], agents: Topic
) -> None:
    before = make_edition(
        date=DAY - timedelta(days=1), papers=[(make_paper(title="Of Thursday"), [agents])], state="closed"
    )
    after = make_edition(date=DAY + timedelta(days=1), state="closed")
    paused, covered, demo, waits = [
        make_subscriber(topics={agents: "normal"}, **fields)
        for fields in ({"paused_until": date(2100, 1, 1)}, {}, {"origin": "demo"}, {})
    ]
    make_delivery(after, covered, first_on=DAY, state="accepted")
    make_delivery(edition, waits, first_on=before.date)
    said = run("send_edition", "--date", "2026-11-20", "--dry-run")
    assert sorted(said) == sorted(
        [
            "Edition of 2026-11-20, frozen",
            "     1 readers  3 papers: Since Thursday: The first, and 2 more",
            "     2 readers  2 papers: The first, and 1 more",
            "     1 readers  nothing matches, no mail",
            "3 mails, 3 digests. Nothing was sent.",
        ]
    )
    one = run("send_edition", "--date", "2026-11-20", "--dry-run", "--to", paused.email)
    assert one[-1] == "1 mails, 1 digests. Nothing was sent.", "named, a reader who paused gets it"
    sent = run("send_edition", "--date", "2026-11-20")[0]
    assert "3 planned, 3 digests composed, 3 mails accepted, 1 skipped" in sent, "as the dry run said"
    assert not Delivery.objects.filter(subscriber__in=[paused, demo]).exists()


def test_it_sends_to_one_reader_and_later_to_the_others(edition: Edition, readers: list[Subscriber]) -> None:
    assert run("send_edition", "--to", "ADA@Example.org")[0].startswith(
        "Edition of 2026-11-20: 1 planned, 1 digests composed, 1 mails accepted"
    )
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]
    edition.refresh_from_db()
    assert edition.state == "sending"
    run("send_edition", "--to", "ada@example.org")
    run("send_edition")
    assert [message.to for message in mail.outbox] == [["ada@example.org"], ["ben@example.org"]]


@pytest.mark.parametrize("word", ["nobody@example.org", "pending@example.org"])
def test_who_is_no_active_reader_cannot_be_named(edition: Edition, word: str) -> None:
    make_subscriber(email="pending@example.org", state="pending")
    with pytest.raises(CommandError) as error:
        run("send_edition", "--to", word)
    assert str(error.value) == f"--to '{word}': no active subscriber has this address"
    assert (mail.outbox, Delivery.objects.count()) == ([], 0)


def test_what_is_no_address_is_refused_in_a_sentence(edition: Edition) -> None:
    with pytest.raises(CommandError) as error:
        run("send_edition", "--to", "ada")
    assert str(error.value).startswith("--to 'ada': ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "There is no frozen edition yet: run build_edition first"),
        (["--date", "2026-11-20"], "There is no frozen edition of 2026-11-20: run build_edition first"),
    ],
)
def test_without_a_frozen_edition_it_says_what_to_run(arguments: list[str], sentence: str) -> None:
    Edition.objects.create(date=DAY)
    with pytest.raises(CommandError) as error:
        run("send_edition", *arguments)
    assert str(error.value) == sentence


def test_it_sends_the_latest_edition_or_the_one_of_a_date(edition: Edition, agents: Topic) -> None:
    make_subscriber(topics={agents: "normal"})
    make_edition(date=DAY + timedelta(days=1), papers=[(make_paper(title="Newer"), [agents])])
    run("send_edition")
    run("send_edition", "--date", "2026-11-20")
    assert [message.subject for message in mail.outbox] == ["Newer", "The first, and 1 more"]


@pytest.mark.django_db(transaction=True)
def test_a_server_that_cannot_be_reached_is_named_and_nothing_is_lost(
    edition: Edition, readers: list[Subscriber]
) -> None:
    with smtp_server() as server:
        gone = server.settings
    with override_settings(**gone), pytest.raises(CommandError) as error:
        run("send_edition")
    assert str(error.value).startswith("the mail server cannot be reached: ")
    assert str(error.value).endswith(". Nothing is lost: run the command again")
    with smtp_server() as server, override_settings(**server.settings):
        assert run("send_edition")[-1] == "Closed."
        assert len(server.received) == 2


@pytest.mark.django_db(transaction=True)
def test_a_mail_without_an_answer_is_told_of(edition: Edition, agents: Topic) -> None:
    make_subscriber(topics={agents: "normal"})
    with smtp_server(end="") as server, override_settings(**server.settings):
        assert run("send_edition")[-1] == "Closed with 1 in doubt: see the admin."


@pytest.mark.django_db(transaction=True)
def test_claims_of_a_killed_sender_are_waited_for(edition: Edition, readers: list[Subscriber]) -> None:
    planning.plan(edition, now=timezone.now())
    edition.deliveries.update(
        state="claimed",
        token="00000000-0000-4000-8000-000000000000",
        lease_until=timezone.now() + timedelta(seconds=1),
    )
    said = run("send_edition")
    assert said[0].startswith("3 mails are in another sender's hands; waiting ")
    assert said[1:] == [
        "Edition of 2026-11-20: 0 planned, 2 digests composed, 2 mails accepted, 1 skipped, 0 rejected, "
        "0 in doubt",
        "Closed.",
    ]


def test_build_edition_freezes_once_and_lists_the_top() -> None:
    day = timezone.now().date() - timedelta(days=1)
    make_paper(title="Listed", listed_on=day - timedelta(days=1))
    expected = [f"Edition of {day}, No. 1: frozen, 1 papers from 1 candidates", "  1. Listed"]
    assert run("build_edition", "--date", day.isoformat()) == expected
    assert run("build_edition", "--date", day.isoformat()) == expected


def test_build_edition_refuses_a_day_to_come() -> None:
    day = timezone.now().date() + timedelta(days=2)
    with pytest.raises(CommandError, match=f"the edition of {day} freezes at {day} 00:30 UTC, not before"):
        run("build_edition", "--date", day.isoformat())


@override_settings(NEWSLETTER_FREEZE_AT="00:00")
def test_a_tick_builds_plans_and_sends_and_the_next_finds_nothing_to_do(agents: Topic) -> None:
    today = timezone.now().date()
    make_paper(title="Listed", listed_on=today - timedelta(days=1))
    make_subscriber()
    first = f"Edition of {today} is frozen. Mails: 1 planned, 1 accepted."
    again = f"Edition of {today} is closed. Mails: 0 planned, 0 accepted."
    assert [run("tick"), run("tick")] == [[first], [again]]
    assert [message.subject for message in mail.outbox] == ["Listed"]
    tomorrow = Edition.objects.get(date=today + timedelta(days=1))
    assert (tomorrow.state, Edition.objects.count()) == ("open", 2)
