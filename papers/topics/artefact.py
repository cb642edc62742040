"""The weights that ship with the code: learned from labelled rows alone, for the starter topics. Pure."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from papers.learning.crossvalidation import cross_validate
from papers.learning.examples import Example
from papers.learning.labelled import OFF_TOPIC, LabelledPaper
from papers.learning.measuring import figures, file_held_out, measurable
from papers.learning.training import Progress, train
from papers.matching import TopicRule
from papers.topics.weights import as_json

STARTER_TOPICS = Path(__file__).parent / "starter_topics.toml"


def starter_rules() -> list[TopicRule]:
    with STARTER_TOPICS.open("rb") as file:
        rows = tomllib.load(file)["topic"]
    return [TopicRule(row["slug"], row["name"], row["phrases"], row.get("categories", ())) for row in rows]


def learn_artefact(examples: Sequence[Example], files: Sequence[str], progress: Progress) -> dict[str, Any]:
    """The JSON of the shipped weights: made by this function and not edited by hand. Raises TrainingError."""
    rules = starter_rules()
    held = cross_validate(examples, rules, progress)
    papers = [
        LabelledPaper(one.title, one.abstract, one.categories, OFF_TOPIC if one.marked else "")
        for one in examples
    ]
    measured = measurable(rules, papers)
    weights = train(examples, rules, progress)
    about = {
        "origin": "manage.py train_topics --write-artefact; terms and weights only, no text of any paper",
        "files": list(files),
        "papers": len(examples),
        "cross_validated_macro_f1": figures(measured, papers, file_held_out(measured, papers, held)).macro_f1,
    }
    return as_json(replace(weights, about=about))
