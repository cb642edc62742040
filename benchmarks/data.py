"""One edition of invented papers, and readers with different mixes: the same rows on every run."""

from datetime import UTC, date, datetime
from random import Random

from benchmarks.sink import KEPT
from newsletter.mixes import mix_for
from newsletter.models import Edition, EditionPaper, MixTopic, Subscriber, TopicMix
from papers.card import card_of
from papers.models import Paper, Topic

DAY = date(2026, 11, 20)
FROZEN_AT = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
TOPICS_A_PAPER = 3
SAMPLE_EVERY = 50
_WORDS = """
sparse routing frozen decoder token budget reward drift layer mixture query planner tool trace graph prior
robot grasp video frame audio codec protein fold weather field policy search proof step naïve Schrödinger
R&D <mask> 3× β-decay “exact” benchmark .dots
"""
_SUBJECTS = """
Agents Alignment Audio Biology Codecs Compression Datasets Diffusion Evaluation Forecasting Graphs
Interpretability Planning Proofs Quantisation Retrieval Robotics Safety Speech Video
"""
WORDS, SUBJECTS = _WORDS.split(), _SUBJECTS.split()
ASCII_WORDS = [word for word in WORDS if word.isascii()]


def make_edition(number: int, *, seed: int = 1) -> Edition:
    """A frozen edition of `number` papers, each filed under three of twenty topics."""
    random = Random(seed)
    topics = [_topic(subject) for subject in SUBJECTS]
    papers = Paper.objects.bulk_create(_paper(place, random) for place in range(1, number + 1))
    edition = Edition.objects.create(
        date=DAY, state=Edition.State.FROZEN, frozen_at=FROZEN_AT, number=7, note="Short & sweet today."
    )
    EditionPaper.objects.bulk_create(
        EditionPaper(
            edition=edition,
            paper=paper,
            rank=place,
            score=1 / place,
            terms=[{"name": "upvotes", "value": 0.5, "text": f"{paper.upvotes} upvotes at 10 hours"}],
            matches=[
                _match(topics[(place * 7 + k * 3) % len(topics)], random) for k in range(TOPICS_A_PAPER)
            ],
            card=card_of(paper),
        )
        for place, paper in enumerate(papers, start=1)
    )
    return edition


def make_mixes(number: int, *, seed: int = 2) -> list[TopicMix]:
    """`number` different choices of two to five topics, ten papers each."""
    random = Random(seed)
    topics = [_topic(subject) for subject in SUBJECTS]
    mixes: dict[int, TopicMix] = {}
    while len(mixes) < number:
        chosen = random.sample(topics, random.randint(2, 5))
        mix = mix_for({topic: random.choice(MixTopic.Weight.values) for topic in chosen})
        mixes[mix.pk] = mix
    return list(TopicMix.objects.filter(pk__in=mixes).order_by("pk").prefetch_related("choices__topic"))


def make_readers(number: int, mixes: list[TopicMix]) -> list[Subscriber]:
    """Active readers, taking turns at the mixes; one in fifty is a sample whose mails are compared."""
    return Subscriber.objects.bulk_create(
        Subscriber(
            email=(email := f"{KEPT if place % SAMPLE_EVERY == 0 else 'reader'}{place}@example.org"),
            email_key=email,
            state=Subscriber.State.ACTIVE,
            mix=mixes[place % len(mixes)],
            active_from=FROZEN_AT,
        )
        for place in range(number)
    )


def _topic(subject: str) -> Topic:
    topic, _ = Topic.objects.get_or_create(name=subject, defaults={"slug": f"bench-{subject.lower()}"})
    return topic


def _match(topic: Topic, random: Random) -> dict[str, object]:
    score = round(random.uniform(0.3, 1), 3)
    return {"topic": topic.slug, "name": topic.name, "score": score, "evidence": random.sample(WORDS, 2)}


def _paper(place: int, random: Random) -> Paper:
    # One title in ten is beyond ASCII, which costs more in a subject.
    title = _phrase(random, random.randint(5, 14), WORDS if place % 10 == 3 else ASCII_WORDS)
    sentences = [_phrase(random, random.randint(10, 24), WORDS) + "." for _ in range(5)]
    return Paper(
        title=f"{title} ({place})",
        title_key=f"bench {place}",
        title_hash=f"{place:016x}",
        arxiv_id=f"2611.{place:05d}",
        abstract=" ".join(sentences),
        authors=["Ada Example", "Ben Sample"],
        author_count=2,
        organization_name="Sample Lab" if place % 3 == 0 else None,
        published_on=date(2026, 11, 18),
        listed_on=date(2026, 11, 19),
        upvotes=200 - place,
        num_comments=place % 5,
        github_stars=place * 40 if place % 4 == 0 else None,
        github_url=f"https://code.example.org/{place}" if place % 2 else None,
    )


def _phrase(random: Random, length: int, vocabulary: list[str]) -> str:
    words = " ".join(random.choices(vocabulary, k=length))
    return words[0].upper() + words[1:]
