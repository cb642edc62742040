"""Invented papers in printed editions, for the pages of tests/browser/scenes.py to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from newsletter.models import Edition
from papers.models import Observation, Paper, Topic
from tests.factories import file_under, make_edition, make_paper, make_topic

TOPICS = {
    "Language models": "Pretraining, scaling and behaviour of models of text.",
    "Efficient inference": "Faster and cheaper answers: quantisation, caching, drafting, pruning.",
    "Agents": "Models that plan, call tools and act over many steps.",
    "Reasoning": "Mathematics, proofs, and thinking before answering.",
    "Robotics": "Policies, manipulation and the long way from simulation to the bench.",
    "Diffusion": "Image and video generation by denoising.",
    "Speech and audio": "Recognition, synthesis, music.",
    "Interpretability": "What goes on inside, and how we would know.",
    "Safety and alignment": "Making systems do what was meant.",
    "Retrieval": "Search, memory and answers with sources.",
    "Vision": "Recognition, segmentation, depth.",
    "Multimodal": "Text, images and sound in one model.",
    "Reinforcement learning": "Rewards, policies and exploration.",
    "Datasets and benchmarks": "What we measure with, and what that is worth.",
    "Theory": "Bounds, proofs and why any of it works.",
}

# Title; then topic, organisation, authors, upvotes, comments, stars.
PAPERS = """
Drafting Whole Paragraphs at Once: Block-Parallel Decoding Without a Second Model
    Efficient inference; Harbour Institute; 7; 161; 14; 1240
What a Probe Finds When There Is Nothing to Find: Null Models for Linear Interpretability of Transformers
    Interpretability;; 5; 98; 6;
Small Hands: Dexterous Grasping From Forty Demonstrations
    Robotics; Fjord Robotics Lab; 11; 87; 3; 410
Sound Before Sight
    Multimodal;; 4; 75; 2;
The Price of a Token: Energy Accounting for Long Conversations
    Language models; Lowland University; 9; 71; 8; 96
Curriculum or Coincidence? Order Effects in Pretraining Data
    Language models;; 6; 66; 1;
Forgetting on Purpose
    Language models; Harbour Institute; 3; 61; 4; 220
A Thousand Quiet Neurons: Sparse Units That Never Fire Until They Matter
    Language models;; 8; 55;;
Vocabulary Is Destiny: Tokenisers and Low-Resource Languages, Eleven Years of Evidence
    Language models; Open Dialects Group; 21; 49; 5; 64
Grammar From Gradient Noise
    Language models;; 2; 41;;
Plans That Survive Contact: Agents Under Changing Tools
    Agents;; 7; 58; 3; 780
Ask Twice, Act Once: Confirmation as a Policy
    Agents; Kestrel Research; 5; 52; 2;
Ledger: Shared Memory for Crews of Agents
    Agents;; 13; 44; 1; 3300
Video at the Speed of Thought: Four-Step Denoising With Causal Attention Over Very Long Sequences
    Diffusion; Studio Nine; 15; 57; 7; 2100
Lighting Is Geometry
    Diffusion;; 4; 39;;
Under-Painting: Coarse-to-Fine Generation the Way Painters Work
    Diffusion;; 6; 33; 2; 150
Hearing Through Walls of Noise
    Speech and audio;; 3; 36;;
Proofs by Candlelight: Solving Competition Problems With a 1B Model
    Reasoning;; 5; 48; 9; 530
Rewards Nobody Asked For
    Reinforcement learning; Kestrel Research; 2; 31; 1;
A Benchmark Is a Promise
    Datasets and benchmarks;; 1; 29; 11;
Depth Without Parallax: Learning From a Single Fixed Camera
    Vision;; 6; 27;; 45
$O(n \\log n)$ Attention With $\\ell_2$-Bounded Keys, and Why $\\alpha_{t+1} \\leq \\alpha_t$ Is Enough
    Language models;; 21; 26; 3;
<script>alert("A Paper")</script> & Other Titles That Are Not Markup: https://example.org/averyveryverylongaddresswithoutaspace
    Language models; Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzinstitut; 3; 25;;
"""
ABSTRACT = """
We show that a modest change in how the work is scheduled, with no new parameters and no second model,
gives 2.7 times the throughput at equal quality. The gain holds from 1B to 70B parameters and grows with the
batch. Previous methods either trained a drafter or gave up exactness; ours does neither, because every block
is checked by the same forward pass that writes the next one. On twelve public benchmarks the outputs are
identical to the last bit under greedy decoding, and indistinguishable in distribution under sampling. We
study where the method fails, which is short answers of high entropy, and give a test that switches it off
there. Code, logs of every run and the failed variants are public.
"""
AUTHORS = """
Ada Holm, Bram Vermeer, Chioma Okafor, Dmitri Petrov, Elif Aydin, Farid Rahimi, Greta Lindqvist,
Hiro Tanaka, Ines Duarte, Jonas Weber, Kavya Rao, Lars Nilsen, Mei Chen, Noor Haddad, Oskar
Virtanen, Priya Menon, Quentin Leroy, Rosa Serrano, Sven Berg, Tariq Aziz, Uma Iyer
"""
DAY = timezone.now().date()  # so that there is a mail of today


@dataclass(frozen=True)
class Hung:
    """What there is to look at."""

    topics: Mapping[str, Topic]
    lead: Paper
    bare: Paper


def hang_gallery() -> Hung:
    """Save it all: today's edition, yesterday's, and an empty one the day before."""
    topics = _topics()
    printed: list[tuple[Paper, list[Topic]]] = []
    rows = PAPERS.strip().splitlines()
    for title, facts in zip(rows[::2], rows[1::2], strict=True):
        topic = topics[facts.split(";")[0].strip()]
        paper = _paper(len(printed), title, facts)
        file_under(paper, topic, evidence=[topic.name.lower(), "throughput"])
        printed.append((paper, [topic]))
    make_edition(date=DAY - timedelta(days=2), number=212, state=Edition.State.EMPTY)
    make_edition(
        date=DAY - timedelta(days=1), number=213, papers=[(make_paper(title="Yesterday's News"), [])]
    )
    make_edition(
        date=DAY, number=214, candidate_count=61, papers=printed,
        note="A slow day for vision, a loud one for inference.",
    )  # fmt: skip
    _watch(printed[0][0])
    return Hung(topics=topics, lead=printed[0][0], bare=_bare_paper())


def _watch(paper: Paper) -> None:
    """Two days of readings, as the plot of a paper shows them."""
    now = timezone.now()
    Observation.objects.bulk_create(
        Observation(
            paper=paper, source="huggingface", observed_at=now - timedelta(hours=48 - hours),
            upvotes=hours * 3, num_comments=hours // 8, github_stars=1000 + hours * 5,
        )
        for hours in range(0, 49, 4)
    )  # fmt: skip


def _topics() -> dict[str, Topic]:
    Topic.objects.all().delete()
    return {
        name: make_topic(slug=name.lower().replace(" ", "-"), name=name, description=text, position=position)
        for position, (name, text) in enumerate(TOPICS.items())
    }


def _paper(number: int, title: str, facts: str) -> Paper:
    _topic, lab, authors, votes, talk, stars = (part.strip() for part in facts.split(";"))
    return make_paper(
        title=title,
        abstract=" ".join(ABSTRACT.split()),
        organization_name=lab or None,
        authors=" ".join(AUTHORS.split()).split(", ")[: int(authors)],
        author_count=int(authors),
        upvotes=int(votes),
        num_comments=int(talk) if talk else None,
        github_stars=int(stars) if stars else None,
        github_url="https://github.com/example/block-parallel" if stars else None,
        project_url="https://example.org/blocks" if number == 0 else None,
        categories=["cs.CL", "cs.LG"],
        published_on=DAY - timedelta(days=2 + number % 3),
        listed_on=DAY - timedelta(days=1 + number % 2),
        trending_score=int(votes) / 100,
        trending_terms=[{"name": "upvotes", "value": 0.7, "text": f"{votes} upvotes at 10 hours"}],
    )


def _bare_paper() -> Paper:
    """From an archive, where next to nothing is told of it."""
    unknown = ("abstract", "authors", "author_count", "published_on", "upvotes", "num_comments")
    return make_paper(
        title="A Title Is All We Have", arxiv_id=None, from_archive=True, **dict.fromkeys(unknown)
    )
