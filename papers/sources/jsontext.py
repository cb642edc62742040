"""Reads JSON arrays item by item, so that a cut or broken item costs only itself."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from papers.sources.record import SourceError
from papers.sources.values import clean

_SPACE = re.compile(r"[ \t\n\r]*")
_NEXT_ITEM = re.compile(r',\s*(?=\{\s*"(?:paper|id|title)"\s*:)')
_DECODER = json.JSONDecoder()
TOO_DEEP = "it is nested too deeply"


@dataclass(frozen=True, slots=True)
class Broken:
    """Text where an item should have been."""

    reason: str
    excerpt: str


def loads(text: str) -> Any:
    """The value of a JSON text. Raises ValueError with a short reason."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"it is not valid JSON ({error.msg.lower()} at character {error.pos + 1:,})"
        ) from None
    except ValueError:  # a number of thousands of digits
        raise ValueError("it holds a number that is too long") from None


def array_items(text: str, start: int = 0) -> Iterator[Any]:
    """Each value of the array that opens at `start` ("["), `Broken` for each one that cannot be read.

    After a broken item reading goes on at the next text that looks like the beginning of a paper.
    Raises SourceError where the first item is nested too deeply: then nothing in the file can be trusted.
    """
    position = _SPACE.match(text, start + 1).end()  # type: ignore[union-attr]
    if text[position : position + 1] == "]":
        return
    while True:
        begin = position
        try:
            value, position = _DECODER.raw_decode(text, begin)
            yield value
            position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
            following = text[position : position + 1]
            if following == "]":
                return
            if following == ",":
                position = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
                continue
            if not following:
                yield Broken("the text breaks off before the end of the list", clean(text[begin:][-80:]))
                return
            reason = "no comma after the item before it"
        except RecursionError:
            if begin <= start + 2:
                raise SourceError(TOO_DEEP) from None
            reason = TOO_DEEP
        except json.JSONDecodeError as error:
            reason = (
                "the text breaks off inside it"
                if error.pos >= len(text) - 1
                else f"not JSON: {error.msg.lower()}"
            )
        except ValueError:
            reason = "it holds a number that is too long"
        yield Broken(_cut_or(reason, text, begin), clean(text[begin : begin + 300])[:160])
        further = _NEXT_ITEM.search(text, begin + 1)
        if further is None:
            return
        position = further.end()


def _cut_or(reason: str, text: str, begin: int) -> str:
    # A cut inside a string is reported by Python at the string's beginning, so look at the end of the text
    # too.
    unclosed = not text.rstrip().endswith(("]", "}"))
    return "the text breaks off inside it" if unclosed and not _NEXT_ITEM.search(text, begin + 1) else reason
