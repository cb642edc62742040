"""Composing: one digest for each of many different mixes, from fragments and by rendering all of it."""

from collections.abc import Sequence

from benchmarks.comparison import Comparison, same, same_text, timed
from benchmarks.plain import Plain, templates
from newsletter.mail import Press
from newsletter.models import Edition, Subscriber, TopicMix

Digests = list[tuple[str, str, str]]  # subject, text, HTML


def compare(edition: Edition, mixes: Sequence[TopicMix], *, rounds: int) -> Comparison:
    """Time both on mixes that are loaded already. Raises Different unless all digests are equal."""
    reader = Subscriber(email="reader@example.org")
    with templates():
        check(edition, mixes, reader)
        plain_times, our_times = [], []
        for _ in range(rounds):
            plain_times.append(timed(lambda: plain(edition, mixes, reader)))
            our_times.append(timed(lambda: ours(edition, mixes, reader)))
    papers = edition.entries.count()
    title = f"Composing {len(mixes):,} digests for as many mixes, from {papers} papers"
    return Comparison(title, len(mixes), plain_times, our_times)


def check(edition: Edition, mixes: Sequence[TopicMix], reader: Subscriber) -> None:
    expected, found = plain(edition, mixes, reader), ours(edition, mixes, reader)
    same("digests", len(expected), len(found))
    for mix, a, b in zip(mixes, expected, found, strict=True):
        for part, one, other in zip(("subject", "text", "HTML"), a, b, strict=True):
            same_text(f"the {part} of mix {mix}", one, other)


def plain(edition: Edition, mixes: Sequence[TopicMix], reader: Subscriber) -> Digests:
    way = Plain(edition)
    return [way.render(way.context(mix), reader) for mix in mixes]


def ours(edition: Edition, mixes: Sequence[TopicMix], reader: Subscriber) -> Digests:
    """With the press made anew, so that every card is rendered in the time that is measured."""
    press = Press([edition])
    digests = []
    for mix in mixes:
        printed = press.print(mix)
        assert printed, "every mix of these matches something"
        text, html = printed.parts(reader)
        digests.append((printed.subject, text, html))
    return digests
