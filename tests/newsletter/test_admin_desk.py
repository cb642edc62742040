"""The desk's pages about readers, editions and the ledger, on a real PostgreSQL."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from newsletter.mail import Press
from newsletter.mixes import mix_for
from newsletter.models import Delivery, Edition, Event, OutboxMail, Subscriber, Suppression
from newsletter.suppression import suppress
from newsletter.tokens import link_token
from papers.models import SourceRun
from papers.reading.plans import PLANS
from tests.desk import queries_of, staff_with
from tests.factories import make_delivery, make_edition, make_paper, make_subscriber, make_topic
from tests.pages import words_of

pytestmark = pytest.mark.django_db
BASE = "/admin/newsletter/"
LISTS = ["subscriber", "edition", "delivery", "outboxmail", "event", "suppression", "topicmix"]


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def row(number: int) -> Edition:
    """One row of every list."""
    reader = make_subscriber(email=f"list{number}@example.org", topics={make_topic(): "normal"})
    edition = make_edition(date=date(2026, 11, number), papers=[(make_paper(), [make_topic()])])
    delivery = make_delivery(edition, reader, state="accepted")
    Event.objects.create(event_id=f"e{number}", event_type="delivered", delivery=delivery)
    OutboxMail.objects.create(subscriber=reader, kind="confirm", token_hash="f00dfeed")
    suppress(f"gone{number}@example.org", "bounced")
    return edition


@pytest.mark.parametrize("name", LISTS)
def test_lists_ask_the_same_number_of_queries_for_one_row_and_for_three(boss: Client, name: str) -> None:
    url = f"{BASE}{name}/"
    row(1)
    queries_of(boss, url)
    one = queries_of(boss, url)
    row(2)
    row(3)
    assert queries_of(boss, url) == one


@pytest.mark.parametrize("name", ["delivery", "outboxmail", "event", "suppression", "topicmix"])
def test_the_ledger_is_only_shown_even_to_superusers(boss: Client, name: str) -> None:
    row(1)
    number = {"delivery": Delivery, "outboxmail": OutboxMail, "event": Event, "suppression": Suppression}
    pk = number[name].objects.get().pk if name in number else Subscriber.objects.get().mix_id
    page = boss.get(f"{BASE}{name}/{pk}/change/")
    assert (page.status_code, "f00dfeed" in page.content.decode()) == (200, False)
    assert boss.get(f"{BASE}{name}/add/").status_code == 403
    assert boss.post(f"{BASE}{name}/{pk}/change/", {}).status_code == 403
    assert boss.post(f"{BASE}{name}/{pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_staff_without_the_right_get_403(name: str) -> None:
    assert staff_with().get(f"{BASE}{name}/").status_code == 403


def added(client: Client, **data: object) -> object:
    return client.post(f"{BASE}subscriber/add/", {"length": 10, "when_empty": "skip", **data})


def test_a_reader_added_by_hand_gets_the_mix_of_their_topics(boss: Client) -> None:
    topic = make_topic(slug="hand-x")
    added(boss, email="New@Example.org", state="active", topics=[topic.pk])
    reader = Subscriber.objects.get()
    assert (reader.email_key, reader.origin, reader.mix) == (
        "new@example.org",
        "admin",
        mix_for({topic: "normal"}),
    )
    assert (reader.state, reader.active_from is None) == ("active", False)


def test_a_suppressed_address_cannot_be_activated(boss: Client) -> None:
    suppress("bad@example.org", "complained")
    response = added(boss, email="bad@example.org", state="active")
    assert "suppression list" in response.content.decode()  # type: ignore[attr-defined]
    reader = make_subscriber(email="bad@example.org", state="suppressed")
    boss.post(
        f"{BASE}subscriber/{reader.pk}/change/", {"state": "active", "length": 10, "when_empty": "skip"}
    )
    assert list(Subscriber.objects.values_list("state")) == [("suppressed",)]


def test_who_unsubscribed_is_not_brought_back_by_hand(boss: Client) -> None:
    reader = make_subscriber(state="unsubscribed")
    url = f"{BASE}subscriber/{reader.pk}/change/"
    response = boss.post(url, {"state": "active", "length": 10, "when_empty": "skip"})
    assert "Only they can come back" in response.content.decode()
    assert Subscriber.objects.get().state == "unsubscribed"


def test_changed_topics_keep_weights_and_never_touch_address_handle_or_secret(boss: Client) -> None:
    kept, new = make_topic(slug="kept-x"), make_topic(slug="new-x")
    reader = make_subscriber(email="a@example.org", topics={kept: "more"})
    data = {"state": "active", "topics": [kept.pk, new.pk], "length": 10, "when_empty": "skip"}
    forged = {"email": "evil@example.org", "handle": "evil", "secret": "evil"}
    response = boss.post(f"{BASE}subscriber/{reader.pk}/change/", data | forged)
    assert response.status_code == 302
    after = Subscriber.objects.get()
    assert after.mix == mix_for({kept: "more", new: "normal"})
    assert (after.email, after.handle, after.secret) == (reader.email, reader.handle, reader.secret)
    assert reader.secret not in boss.get(f"{BASE}subscriber/{reader.pk}/change/").content.decode()


@pytest.mark.parametrize("term", ["ANN@Example.org", "ann", "@example.org"])
def test_search_compares_addresses_by_their_key(boss: Client, term: str) -> None:
    make_subscriber(email="ann@example.org")
    make_subscriber(email="bob@example.com")
    found = boss.get(f"{BASE}subscriber/", {"q": term}).context["cl"].result_list
    assert [reader.email for reader in found] == ["ann@example.org"]


@pytest.mark.parametrize("rest", ["", ".…"])
def test_a_reader_is_found_by_what_the_log_keeps_of_a_link(boss: Client, rest: str) -> None:
    make_subscriber(email="bob@example.com")
    left = make_subscriber(email="ann@example.org")
    found = boss.get(f"{BASE}subscriber/", {"q": left.handle + rest}).context["cl"].result_list
    assert [reader.email for reader in found] == ["ann@example.org"]


def test_deleting_a_reader_is_explained_and_takes_the_ledger_rows_along(boss: Client) -> None:
    row(1)
    url = f"{BASE}subscriber/{Subscriber.objects.get().pk}/delete/"
    assert "Deleting forgets" in boss.get(url).content.decode()
    boss.post(url, {"post": "yes"})
    assert (Subscriber.objects.count(), Delivery.objects.count(), Suppression.objects.count()) == (0, 0, 1)


def test_lifting_a_suppression_takes_a_superuser_and_a_reason_and_is_on_record(boss: Client) -> None:
    suppress("bad@example.org", "complained")
    url = f"{BASE}suppression/{Suppression.objects.get().pk}/lift/"
    assert staff_with("view_suppression", "delete_suppression").post(url, {"reason": "x"}).status_code == 403
    assert boss.get(url).status_code == 200
    assert boss.post(url, {"reason": " "}).status_code == 200
    assert Suppression.objects.count() == 1
    boss.post(url, {"reason": "She asked by phone."})
    assert Suppression.objects.count() == 0
    assert LogEntry.objects.get().change_message == "Lifted (complained): She asked by phone."


@pytest.mark.parametrize(
    ("state", "kept"), [("open", "Hello"), ("held", "Hello"), ("frozen", ""), ("sending", "")]
)
def test_the_note_is_written_until_the_freeze(boss: Client, state: str, kept: str) -> None:
    edition = make_edition(date=date(2026, 11, 20), state=state)
    data = {"note": "Hello", "entries-TOTAL_FORMS": 0, "entries-INITIAL_FORMS": 0}
    boss.post(f"{BASE}edition/{edition.pk}/change/", data)
    assert Edition.objects.get().note == kept


def test_the_edition_shows_its_papers_in_order_and_as_text(boss: Client) -> None:
    papers = [
        (make_paper(title="<script>first</script>"), [make_topic(name="Speech X")]),
        (make_paper(title="Second"), []),
    ]
    page = boss.get(
        f"{BASE}edition/{make_edition(date=date(2026, 11, 20), papers=papers).pk}/change/"
    ).content.decode()
    assert page.index("&lt;script&gt;first") < page.index("Second")
    assert "<script>first" not in page
    assert "Speech X 80% (speech x)" in page


def test_the_preview_takes_an_address_by_post_and_shows_that_readers_mail(boss: Client) -> None:
    edition = row(1)
    reader = Subscriber.objects.get()
    url = f"{BASE}edition/{edition.pk}/preview/"
    assert boss.post(url, {"address": "LIST1@example.org"}).url == f"{url}?subscriber={reader.pk}"  # type: ignore[attr-defined]
    page = boss.get(f"{url}?subscriber={reader.pk}")
    sandbox = "allow-popups allow-popups-to-escape-sandbox"
    assert page.status_code == 200
    assert f'<iframe class="desk-mail" sandbox="{sandbox}" ' in page.content.decode()
    html = boss.get(f"{url}html/?mix={reader.mix_id}")
    assert html["Content-Security-Policy"].startswith(f"sandbox {sandbox}; default-src 'none';")
    assert html["X-Frame-Options"] == "SAMEORIGIN"
    for wrong in ("subscriber=999999", "mix=x", "mix="):
        assert boss.get(f"{url}?{wrong}").status_code == 404
    assert "No reader has this address." in boss.post(url, {"address": "none@example.org"}).content.decode()


def mail_of(client: Client, edition: Edition, query: str) -> tuple[str, str]:
    """Both places that show the mail: the page with the text part, and the HTML in the frame."""
    url = f"{BASE}edition/{edition.pk}/preview/"
    page, frame = (client.get(f"{url}{part}?{query}").content.decode() for part in ("", "html/"))
    return page, frame


def read_by_somebody() -> tuple[Edition, Subscriber]:
    """An edition with a paper for its one reader."""
    topic = make_topic()
    edition = make_edition(date=date(2026, 11, 20), papers=[(make_paper(title="Fish & chips"), [topic])])
    return edition, make_subscriber(topics={topic: "normal"})


def test_the_preview_is_the_mail_that_is_sent(boss: Client) -> None:
    edition, reader = read_by_somebody()
    sent = Press([edition]).print(reader.mix)
    assert sent is not None
    text, html = sent.parts(reader)
    page, frame = mail_of(boss, edition, f"subscriber={reader.pk}")
    assert frame == html.replace("<head>", '<head><base target="_blank">')
    assert escape(text) in page
    assert f'<h2 class="desk-subject">{escape(sent.subject)}</h2>' in page


def test_personal_links_are_shown_only_to_who_may_change_readers(boss: Client) -> None:
    edition, reader = read_by_somebody()
    looker = staff_with("view_edition", "view_subscriber")
    personal = link_token("unsubscribe", reader.handle, reader.secret)
    shown = {
        (name, query): [personal in part for part in mail_of(client, edition, query)]
        for name, client in (("boss", boss), ("looker", looker))
        for query in (f"subscriber={reader.pk}", f"mix={reader.mix_id}")
    }
    assert shown == {
        ("boss", f"subscriber={reader.pk}"): [True, True],
        ("boss", f"mix={reader.mix_id}"): [False, False],
        ("looker", f"subscriber={reader.pk}"): [False, False],
        ("looker", f"mix={reader.mix_id}"): [False, False],
    }


def test_a_mix_that_nothing_matches_is_said_to_get_no_mail(boss: Client) -> None:
    edition, mix = row(1), mix_for({make_topic(): "normal"})
    page, frame = mail_of(boss, edition, f"mix={mix.pk}")
    assert "(no mail)" in page
    assert "Nothing in this edition matches these topics" in frame


def test_the_preview_needs_rights_for_editions_and_for_readers() -> None:
    edition = row(1)
    number, url = Subscriber.objects.get().pk, f"{BASE}edition/{edition.pk}/preview/"
    client = staff_with("view_edition")
    assert client.get(url).status_code == 200
    for path in (f"{url}?subscriber={number}", f"{url}html/?subscriber={number}"):
        assert client.get(path).status_code == 403
    assert client.post(url, {"address": "list1@example.org"}).status_code == 403
    User.objects.get(username="staff").user_permissions.clear()
    assert client.get(url).status_code == 403


def test_the_first_page_shows_the_edition_only_to_who_may_see_it(boss: Client) -> None:
    row(1)
    assert "1 accepted" in boss.get("/admin/").content.decode()
    assert "1 accepted" not in staff_with("view_paper").get("/admin/").content.decode()


def a_run(source: str = "huggingface", target: str = "", **fields: object) -> SourceRun:
    now = timezone.now()
    values = {"started_at": now, "finished_at": now, "verdict": "ok", "message": "31 records"}
    target = target or PLANS["huggingface"].watched(now=now)[-1].name
    return SourceRun.objects.create(source=source, target=target, **{**values, **fields})


def test_the_first_page_tells_how_the_sources_stand_and_is_red_only_where_it_must(
    boss: Client, settings: Any
) -> None:
    settings.NEWSLETTER_SOURCES = ["huggingface"]
    a_run()
    page = boss.get("/admin/").content.decode()
    assert "Hugging Face read at" in page and "31 records" in page and "desk-broken" not in page
    SourceRun.objects.update(verdict="failed", message="<b>example.org</b> answered with status 500.")
    page = boss.get("/admin/").content.decode()
    assert '<p class="desk-broken">' in page and "Hugging Face never read" in words_of(page)
    assert "&lt;b&gt;example.org&lt;/b&gt; answered with status 500." in page
    assert "Hugging Face" not in staff_with("view_edition").get("/admin/").content.decode()


def test_a_curator_freezes_a_held_edition_in_spite_of_its_sources(boss: Client) -> None:
    today = timezone.now().date()
    make_paper(listed_on=today - timedelta(days=1))
    told = "Hugging Face stale since Monday 16 November, 23:40 UTC"
    held = Edition.objects.create(date=today, state="held", held_because=told)
    done = Edition.objects.create(date=today - timedelta(days=1), state="closed")
    assert told in words_of(boss.get("/admin/").content.decode())
    data = {"action": "freeze_in_spite_of_sources", "_selected_action": [held.pk, done.pk]}
    page = words_of(boss.post(f"{BASE}edition/", data, follow=True).content.decode())
    held.refresh_from_db()
    assert (held.state, held.entries.count()) == ("frozen", 1)
    assert f"Edition of {today} is frozen." in page and "1 did not wait, and is left as before." in page
    assert LogEntry.objects.get().change_message == "Frozen in spite of its sources."


def test_the_desk_says_that_an_edition_waits_for_its_sources(boss: Client) -> None:
    today = timezone.now().date()
    since = datetime(2026, 11, 20, 0, 31, tzinfo=UTC)
    edition = Edition.objects.create(date=today, awaited_from=since)
    told = "It waits for its sources since 00:31 UTC, for an hour and a half at most."
    assert told in words_of(boss.get("/admin/").content.decode())
    Edition.objects.filter(pk=edition.pk).update(state="frozen")
    assert told not in words_of(boss.get("/admin/").content.decode())


def test_an_edition_shows_how_its_sources_were_read(boss: Client) -> None:
    told = {"source": "arxiv", "verdict": "stale", "text": "stale since Monday", "detail": "<b>old</b> feed"}
    edition = make_edition(date=date(2026, 11, 1), sources=[told])
    page = words_of(boss.get(f"{BASE}edition/{edition.pk}/change/").content.decode())
    assert "arXiv stale since Monday (<b>old</b> feed)" in page


def test_runs_are_listed_with_verdict_duration_and_retry(boss: Client) -> None:
    started = timezone.now() - timedelta(days=1)
    a_run(started_at=started, finished_at=started + timedelta(seconds=12), verdict="failed", retry_at=started)
    a_run(started_at=started, finished_at=None, verdict="", message="")
    a_run(read_count=31, new_count=5, updated_count=1_026)
    page = words_of(boss.get("/admin/papers/sourcerun/").content.decode())
    assert "12 s" in page and "under way" in page and "failed" in page
    assert "31 read: 5 new, 1,026 updated" in page
