"""The benchmarks keep working, and what they compare is equal. No time is asserted anywhere."""

import os
import re
import smtplib
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from benchmarks import (
    batching,
    composing,
    corpus,
    data,
    enumeration,
    memory,
    pages,
    planning,
    printing,
    provider,
    refusing,
    searching,
    sending,
    wire,
)
from benchmarks.comparison import Different
from benchmarks.counting import Counting
from benchmarks.sink import Tally
from newsletter.models import Delivery, Edition, EditionPaper
from papers.models import Paper

MAIL = b"From: a@example.org\r\nSubject: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n"


@pytest.mark.django_db
def test_both_ways_compose_the_same_digests() -> None:
    edition = data.make_edition(12)
    result = composing.compare(edition, data.make_mixes(30), rounds=1)
    assert result.number == 30
    assert str(result).splitlines()[0] == "Composing 30 digests for as many mixes, from 12 papers"


@pytest.mark.django_db
def test_printing_is_measured_for_an_edition_and_for_a_week() -> None:
    lines = printing.measure(data.make_edition(12), data.make_mixes(30), rounds=1).splitlines()
    assert [line.split("  ")[1] for line in lines[1:]] == ["one edition", "seven editions"]
    assert Edition.objects.count() == 7


@pytest.mark.django_db
def test_both_ways_send_the_same_mails_to_everybody_once() -> None:
    edition = data.make_edition(12)
    data.make_readers(60, data.make_mixes(8))
    result = sending.compare(edition, rounds=1)
    assert (result.number, len(result.plain), len(result.ours)) == (60, 1, 1)
    edition.refresh_from_db()
    assert edition.state == Edition.State.CLOSED
    assert Delivery.objects.filter(state=Delivery.State.ACCEPTED).count() == 60


@pytest.mark.django_db(transaction=True)
def test_a_sender_whose_memory_is_measured_brings_everybody_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_test = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    monkeypatch.setenv("DATABASE_URL", urlunsplit(of_the_test))
    edition, mixes = data.make_edition(6), data.make_mixes(3)
    run = memory.measure(edition, mixes, size=25)
    assert run.readers == Delivery.objects.filter(state=Delivery.State.ACCEPTED).count() == 25
    assert 20e6 < run.peak < 2e9, "bytes, whatever unit the system counts in"


@pytest.mark.django_db(transaction=True)
def test_readers_are_planned_all_at_once_or_at_their_own_hours() -> None:
    said: list[str] = []
    found = [planning.measure(40, mixes=5, own_hours=own, progress=said.append) for own in (False, True)]
    assert [(result.readers, result.planned, result.calls) for result in found] == [(40, 40, 1), (40, 37, 24)]
    assert str(found[0]).splitlines()[0] == "Planning for 40 readers: 40 mails at 22 slots"
    assert (len(str(found[0]).splitlines()), len(said)) == (5, 6)


@pytest.mark.django_db
def test_pages_of_a_site_with_a_history_are_visited_and_weighed() -> None:
    lines = pages.measure(60, 12, size=4, rounds=1).splitlines()
    assert lines[0] == "Pages of a site with 60 papers and 12 editions, 4 papers in the newest"
    seen = [line[2:36].strip() for line in lines[1:]]
    assert seen[:5] == ["today", "today, as the browser knows it", "an edition", "this week", "this month"]
    assert (Paper.objects.count(), Edition.objects.count()) == (60, 12)
    assert EditionPaper.objects.count() == 60


@pytest.mark.django_db
def test_a_provider_gets_the_same_mails_for_everybody_once_in_calls_for_many_and_for_one() -> None:
    edition = data.make_edition(12)
    data.make_readers(60, data.make_mixes(1))
    with_ledger, without = batching.compare(edition, rounds=1)
    title = "Sending 60 mails of one mix through a provider's API in one call"
    assert [with_ledger.title, without.title] == [f"{title}, with the ledger", f"{title}, without a ledger"]
    assert Delivery.objects.filter(state=Delivery.State.ACCEPTED).count() == 60


def test_mails_of_a_provider_that_differ_are_noticed() -> None:
    body = "to=sample1%40example.org&subject=one&text=text&html=&h:List-Id=a"
    tally = provider.Tally(1, 1, 1, 10, [body])
    batching.check(1, tally, tally)
    with pytest.raises(Different, match=r"^the text to sample1@example.org, line 1: "):
        batching.check(1, tally, provider.Tally(1, 1, 1, 10, [body.replace("text=text", "text=other")]))


@pytest.mark.django_db
def test_both_ways_find_the_same_papers() -> None:
    told: list[int] = []
    words = corpus.fill(60, progress=told.append)
    result = searching.compare(words, rounds=1)
    assert told == [60]
    lines = result.splitlines()
    assert lines[0] == "Searching 60 papers: database time of the first page, 1 rounds"
    assert [line.count("×") for line in lines] == [0, 2, 2, 2, 2, 2, 2, 0, 0, 0, 1]


@pytest.mark.django_db
def test_a_benchmark_of_different_answers_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    words = corpus.fill(20)
    monkeypatch.setattr("benchmarks.searching.search.NEWEST", 1)
    with pytest.raises(Different, match=f"^papers with {words[0]}: "):
        searching.check(words[0])


@pytest.mark.django_db
def test_a_benchmark_of_different_digests_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    edition, mixes = data.make_edition(12), data.make_mixes(2)
    monkeypatch.setattr("benchmarks.plain.facts", lambda card, beside: "other facts")
    with pytest.raises(Different, match=r"^the text of mix .*, line \d+: plain Django has 'other facts'"):
        composing.compare(edition, mixes, rounds=1)


@pytest.mark.django_db(transaction=True)
def test_every_kind_of_address_is_asked_about_at_every_door_with_and_without_steps() -> None:
    doors = list(enumeration.measure(2, steps=(0.0, 0.01)))
    assert [(door.path, door.step) for door in doors] == [
        (path, step) for path in ("/subscribe/", "/preferences/") for step in (0.0, 0.01)
    ]
    assert {len(times) for door in doors for times in door.times.values()} == {2}
    assert [len(door.times) for door in doors] == [8] * 4
    assert all(min(times) >= 10 for times in doors[1].times.values())
    first = str(doors[0]).splitlines()
    assert first[0].startswith("POST /subscribe/, the work alone: 2 addresses of each kind, medians at most ")
    assert len(first) == 9


@pytest.mark.django_db
def test_every_long_address_is_refused_at_every_door_and_its_time_held_to_the_goal() -> None:
    found = list(refusing.measure(2))
    assert [(one.path, one.kind, len(one.times)) for one in found] == [
        (path, kind, 2)
        for path in ("/subscribe/", "/preferences/")
        for kind in ("a long name", "many domains", "only @", "no ASCII")
    ]
    assert str(refusing.Refused("/subscribe/", "only @", [4.0, 60.0, 6.0])) == (
        "POST /subscribe/, an address of 200 kB, only @: refused in 6.0 ms, within 50 ms;"
        " the longest took 60.0 ms"
    )
    assert "NOT within 50 ms" in str(refusing.Refused("/", "only @", [50.1]))


@pytest.mark.django_db
def test_a_long_address_that_is_taken_stops_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusing, "ADDRESSES", {"a good one": "ada@example.org"})
    with pytest.raises(Different, match=r"^the answer at /subscribe/: .*400"):
        list(refusing.measure(1))


def test_every_letter_of_the_wire_is_counted() -> None:
    words = wire.measure(50, size=1_000, lines=3)
    assert re.fullmatch(r"50 letters of 1 KB over 3 connections: [0-9,]+ a second, \d+ µs .* each", words)


def test_a_mail_that_nobody_got_or_somebody_got_twice_is_noticed() -> None:
    with sending.sink() as server:
        _mail(server, "reader1@example.org", b"one", b"text")
        _mail(server, "reader2@example.org", b"one", b"text")
        good = server.tally()
        _mail(server, "reader1@example.org", b"one", b"text")
        _mail(server, "reader1@example.org", b"one", b"text")
        twice = server.tally()
    sending.check(2, good, good)
    with pytest.raises(Different) as raised:
        sending.check(2, good, twice)
    assert str(raised.value) == (
        "mails and readers that got one: plain Django has (2, 2), this project (2, 1)"
    )


@pytest.mark.parametrize(("subject", "text"), [(b"two", b"text"), (b"one", b"other text")])
def test_mails_that_differ_are_noticed(subject: bytes, text: bytes) -> None:
    with sending.sink() as server:
        _mail(server, "sample1@example.org", b"one", b"text")
        plain = server.tally()
        _mail(server, "sample1@example.org", subject, text)
        ours = server.tally()
    with pytest.raises(Different):
        sending.check(1, plain, ours)


def test_the_sink_keeps_samples_as_they_were_sent() -> None:
    text = b".one dot\r\n..two\r\n.\r\n\r\ncaf\xc3\xa9"
    with sending.sink() as server:
        _mail(server, "sample1@example.org", b"dots", text)
        tally = server.tally()
        assert server.tally().messages == 0
    assert tally.kept == {"sample1@example.org": (MAIL % (b"dots", text)).decode("latin-1")}
    assert (tally.messages, tally.recipients) == (1, 1)


def _mail(server: Counting[Tally], address: str, subject: bytes, text: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", server.port) as connection:
        connection.sendmail("a@example.org", [address], MAIL % (subject, text))
