"""Sending through a provider's API: calls for many readers, and the plain Django loop of one call a reader.

The same digests, readers and provider, in turns. The provider is a stub on loopback in a process of its own;
a real one is further away, which costs the loop a journey for each reader.
"""

from contextlib import AbstractContextManager
from html import unescape

from benchmarks import ledger, plain
from benchmarks.comparison import Comparison, same, same_text, timed
from benchmarks.counting import Counting, counting, everybody_got_one
from benchmarks.provider import Tally, kept_mails
from newsletter.mail import Press
from newsletter.models import Delivery, Edition, Subscriber, TopicMix
from newsletter.transport.batch import BatchCarrier
from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted


def provider() -> AbstractContextManager[Counting[Tally]]:
    """The counting provider; Django's mail goes there while it lasts."""
    return counting("benchmarks.provider", Tally, mail=_by_mailgun)


def _by_mailgun(port: int) -> dict[str, object]:
    return {
        "EMAIL_BACKEND": "anymail.backends.mailgun.EmailBackend",
        "ANYMAIL_MAILGUN_API_KEY": "for-measuring",
        "ANYMAIL_MAILGUN_API_URL": f"http://127.0.0.1:{port}/v3",
    }


def compare(edition: Edition, *, rounds: int) -> tuple[Comparison, Comparison]:
    """Time the loop, batches with the whole ledger, and batches without one, in turns.

    One round before does not count. Raises Different if what the provider got differs.
    """
    number = Subscriber.objects.filter(state=Subscriber.State.ACTIVE).count()
    plain_times, ledger_times, bare_times = [], [], []
    with plain.templates(), provider() as server:
        for _ in range(rounds + 1):
            plain_times.append(timed(lambda: plain.send(edition)))
            expected = server.tally()
            ledger.start_again(edition)
            ledger_times.append(timed(lambda: ledger.send(edition)))
            tally = server.tally()
            check(number, expected, tally)
            bare_times.append(timed(lambda: without_ledger(edition)))
            check(number, expected, server.tally())
    calls = "one call" if tally.calls == 1 else f"{tally.calls} calls"
    title = f"Sending {number:,} mails of one mix through a provider's API in {calls}"
    return (
        Comparison(f"{title}, with the ledger", number, plain_times[1:], ledger_times[1:]),
        Comparison(f"{title}, without a ledger", number, plain_times[1:], bare_times[1:]),
    )


def without_ledger(edition: Edition) -> None:
    """Only print and hand over: what the ledger costs is the difference."""
    press = Press([edition])
    mixes = TopicMix.objects.filter(subscribers__state="active").distinct().prefetch_related("choices__topic")
    prints = {mix.pk: press.print(mix) for mix in mixes}
    letters = []
    for reader in Subscriber.objects.filter(state="active").order_by("mix_id", "pk").iterator():
        printed = prints[reader.mix_id]
        assert printed
        letters.append(Letter(reader.pk, str(Delivery().public_id), printed, reader))
    taken = 0
    with BatchCarrier() as way:
        for letter in letters:
            way.prepare(letter)
        while letters:
            number = way.room(letters)
            way.carry(letters[:number])
            del letters[:number]
            taken += sum(isinstance(outcome, Accepted) for _, outcome in way.answers())
    same("mails that were taken", Subscriber.objects.filter(state="active").count(), taken)


def check(number: int, plain_tally: Tally, our_tally: Tally) -> None:
    """Everybody got one mail either way, and the kept ones are the same mails."""
    everybody_got_one(number, plain_tally, our_tally)
    expected, found = kept_mails(plain_tally.kept), kept_mails(our_tally.kept)
    same("kept mails", sorted(expected), sorted(found))
    for address, mail in expected.items():
        other = found[address]
        same(f"the subject to {address}", mail.subject, other.subject)
        same(f"headers to {address}", mail.headers, other.headers)
        same_text(f"the text to {address}", mail.text, other.text)
        same_text(f"the HTML to {address}", unescape(mail.html), unescape(other.html))
