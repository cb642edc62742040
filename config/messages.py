"""What readers are told, out of the code into `locale/*/LC_MESSAGES/django.po`, and from there into `.mo`.

Django's own makemessages and compilemessages need GNU gettext on the machine; this needs Babel only, which
comes with requirements-dev.txt. Running it twice changes nothing: the files hold no dates or line numbers.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
# The desk in templates/admin stays English, as Django's own words there do for us.
CODE = ("config", "papers", "newsletter")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
HEADER = "# Paper Round. How to translate: docs/translating.md"
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}|</?\w+|%%")


class Plain(Catalog):
    """A catalog whose header says what programs need: with dates in it, no two would be the same."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", f"nplurals={self.num_plurals}; plural={self.plural_expr};"),
            ("Content-Type", "text/plain; charset=utf-8"),
        ]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a translation lacks: `message` is its English text."""

    message: str
    what: str

    def __str__(self) -> str:
        return f"{self.what}: {self.message!r}"


def count(language: str) -> int:
    return len(updated(language))


def languages() -> list[str]:
    """Those that need a translation: all but English, which the code is written in."""
    return [code for code, _ in settings.LANGUAGES if code != "en"]


def po_path(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def in_code() -> Catalog:
    """Every message that stands in templates and Python, without translations."""
    catalog = Catalog()
    for path in _sources():
        name = path.relative_to(ROOT).as_posix()
        for _, message, comments, context in _messages_of(path, name):
            catalog.add(message, locations=[(name, 1)], auto_comments=comments, context=context)
    return catalog


def read(language: str) -> Catalog:
    """What is translated so far; an empty catalog for a language that has no file yet."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """Every message of the code and no other, with its translation; new ones are empty."""
    known, catalog = read(language), Plain(locale=language, fuzzy=False, header_comment=HEADER)
    for message in in_code():
        if not message.id:
            continue  # the header
        old = known.get(_english(message), context=message.context)
        fits = old is not None and isinstance(old.id, str) == isinstance(message.id, str)
        catalog.add(
            message.id,
            old.string if old and fits else None,
            locations=message.locations,
            flags=(old.flags if old else set()) | message.flags,
            auto_comments=message.auto_comments,
            user_comments=old.user_comments if old else (),
            context=message.context,
        )
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """The file for translators."""
    file = io.BytesIO()
    write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """The file that Django reads; messages without a translation are not in it."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def faults_of(language: str) -> list[Fault]:
    """What is missing, unsure or has other placeholders than the English; [] for a complete translation."""
    return [
        Fault(_english(message), what)
        for message in updated(language)
        if message.id
        for what in _faults(message)
    ]


def is_current(language: str) -> bool:
    """Whether both files have the messages of the code and no other. Where they stand in it may have changed:
    who moves a sentence from one template to another need not touch its translation."""
    po, mo = po_path(language), po_path(language).with_suffix(".mo")
    if not (po.exists() and mo.exists()):
        return False
    wanted = updated(language)
    same = {_key(message) for message in read(language)} == {_key(message) for message in wanted}
    return same and mo.read_bytes() == as_mo(wanted)


def write(language: str) -> None:
    """Bring both files up to date with the code."""
    catalog = updated(language)
    po_path(language).parent.mkdir(parents=True, exist_ok=True)
    po_path(language).write_bytes(as_po(catalog))
    po_path(language).with_suffix(".mo").write_bytes(as_mo(catalog))


def _faults(message: Message) -> Iterator[str]:
    english, given = _forms(message.id), _forms(message.string)
    if not all(given):
        yield "not translated"
        return
    if message.fuzzy:
        yield "marked as unsure"
    wanted = [_placeholders(text) for text in english]
    for text in given:
        if _placeholders(text) not in wanted:
            yield f"other placeholders or tags in {text!r}"


def _placeholders(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


def _key(message: Message) -> tuple[str | None, str]:
    return message.context, _english(message)


def _english(message: Message) -> str:
    return _forms(message.id)[0]


def _forms(text: Any) -> list[str]:
    """Singular and plural, or the one text that there is."""
    return [text or ""] if isinstance(text, str | None) else list(text)


def _sources() -> Iterator[Path]:
    for app in CODE:
        yield from sorted(path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
    templates = ROOT / "templates"
    for path in sorted(templates.rglob("*")):
        if path.suffix in (".html", ".txt", ".xml") and "admin" not in path.relative_to(templates).parts:
            yield path


def _messages_of(path: Path, name: str) -> Iterator[tuple[Any, ...]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Everything but the messages becomes X's; without indentation Babel reads that as Python.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=name).splitlines())
    elif "gettext" not in text:
        return
    yield from extract(
        "python", io.BytesIO(text.encode()), KEYWORDS, ["Translators:"], options={"encoding": "utf-8"}
    )
