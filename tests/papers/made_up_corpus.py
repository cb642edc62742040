"""A made-up corpus from templates: papers of three fields, and of one that nobody came for."""

from random import Random

from papers.learning.labelled import LabelledPaper

FIELDS = {
    "cs.RO": ("robot", "gripper", "manipulation", "legged locomotion", "sim-to-real transfer", "grasping"),
    "cs.SD": ("speech", "voice conversion", "spectrogram", "music", "acoustic model", "singing"),
    "cs.CR": ("malware", "encryption", "attack", "backdoor", "smart contract", "intrusion"),
    "math.NA": (
        "finite element",
        "convergence order",
        "elliptic",
        "preconditioner",
        "discretization",
        "mesh",
    ),
}
COMMON = ("method", "data", "experiments", "baseline", "evaluation", "framework", "task", "setting")


def corpus(papers: int, seed: int = 1) -> list[LabelledPaper]:
    """As many papers, each with three terms of its field, one of another and common words; no title twice."""
    random = Random(seed)
    return [_paper(number, random) for number in range(papers)]


def _paper(number: int, random: Random) -> LabelledPaper:
    field = random.choice(sorted(FIELDS))
    own = random.sample(FIELDS[field], 3)
    other = random.choice(FIELDS[random.choice(sorted(FIELDS))])
    common = random.sample(COMMON, 4)
    return LabelledPaper(
        f"{own[0].capitalize()} for {common[0]}: study {number}",
        f"We look at {own[1]} with {common[1]}. Our {common[2]} uses {own[2]}, {other} and {common[3]}.",
        (field, *(["cs.LG"] if random.random() < 0.3 else [])),
        "offtopic" if field == "math.NA" else "natural",
    )


def rows(papers: list[LabelledPaper]) -> list[dict[str, object]]:
    """The papers as rows of a labelled file."""
    return [
        {
            "id": f"2601.{number:05d}",
            "title": paper.title,
            "abstract": paper.abstract,
            "primary_category": paper.categories[0],
            "categories": list(paper.categories),
            "sample": paper.sample,
        }
        for number, paper in enumerate(papers)
    ]
