"""Imports run one way, and pure modules know no Django: doors -> verbs -> edges and models -> pure."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("papers", "newsletter")
DOORS = {
    *(
        "papers.admin",
        "papers.feeds",
        "papers.open_data",
        "papers.sitemaps",
        "papers.tasks",
        "papers.urls",
        "papers.views",
        "papers.management",
    ),
    *("newsletter.admin", "newsletter.apps", "newsletter.events", "newsletter.management"),
    *("newsletter.crawling", "newsletter.feeds", "newsletter.looking_back", "newsletter.open_data"),
    *("newsletter.people", "newsletter.tasks", "newsletter.urls", "newsletter.views"),
}
VERBS = {
    *("papers.importing", "papers.ingest", "papers.learning.lessons", "papers.ranking.scoring"),
    *("papers.reading.fetching", "papers.reading.rounds", "papers.reading.thinning"),
    *("papers.topics.filing", "papers.topics.refiling", "papers.topics.trial"),
    *("newsletter.delivery", "newsletter.edition", "newsletter.editorial", "newsletter.heartbeat"),
    *("newsletter.at_once", "newsletter.clearing", "newsletter.demo", "newsletter.outbox"),
    *("newsletter.own_data", "papers.clearing"),
    *("newsletter.own_time", "newsletter.signup", "newsletter.staying", "newsletter.subscriber_import"),
}
# Besides these, every module whose docstring says "Pure".
PURE = {
    *("papers.identity", "papers.matching", "papers.tex", "papers.trending", "papers.sources"),
    *("newsletter.digest", "newsletter.schedule", "newsletter.addresses"),
}


def modules() -> dict[str, Path]:
    """Dotted name -> file, of both apps without migrations."""
    files = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }


def imports(path: Path) -> set[str]:
    """Every module a file names in an import, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_pure(name: str, path: Path) -> bool:
    says_so = re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text())) or "")
    return under(name, PURE) or bool(says_so)


def under(name: str, group: set[str]) -> bool:
    return any(name == member or name.startswith(f"{member}.") for member in group)


MODULES = modules()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_run_one_way(name: str) -> None:
    wanted = imports(MODULES[name])
    wrong = set()
    if name.startswith("papers"):
        wrong |= {other for other in wanted if under(other, {"newsletter"})}
    if not under(name, DOORS):
        wrong |= {other for other in wanted if under(other, DOORS)}
    if not under(name, DOORS | VERBS):
        wrong |= {other for other in wanted if under(other, VERBS)}
    if is_pure(name, MODULES[name]):
        wrong |= {other for other in wanted if under(other, {"django", "papers.models", "newsletter.models"})}
    assert wrong == set()


def test_no_two_parts_of_the_newsletter_import_each_other() -> None:
    """A part is a module or a package right under `newsletter`; also not in a circle of several."""

    def part(name: str) -> str:
        return ".".join(name.split(".")[:2])

    parts = {part(name) for name in MODULES if name.startswith("newsletter.")}
    wanted: dict[str, set[str]] = {one: set() for one in parts}
    for name in MODULES.keys() - {"newsletter"}:
        if part(name) in parts:
            wanted[part(name)] |= {part(other) for other in imports(MODULES[name])} & parts - {part(name)}
    assert {"newsletter.delivery", "newsletter.models"} <= wanted["newsletter.heartbeat"]
    TopologicalSorter(wanted).prepare()  # raises CycleError, which names the circle
