"""Words in a template that no translator can reach: text outside of messages, attributes that are read."""

import re

from django.conf import settings

# The same in every language: names, and what is typed or read by programs.
NAMES = {
    *("arXiv", "PDF", "DOI", "GitHub", "Hugging", "Face", "UTC", "JSON", "Atom", "HTML", "RSS", "No"),
    *("huggingface.co", "alphaXiv", "URL"),
}
_BLOCK = re.compile(r"{%\s*(blocktranslate|blocktrans|comment)\b.*?{%\s*end\1\s*%}", re.DOTALL)
_CODE = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
_UNREAD = re.compile(r"<(style|script|kbd|code|pre|svg)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_READ = re.compile(r"\b(?:aria-label|title|alt|placeholder)=(\"[^\"]*\"|'[^']*')")
_DESCRIBED = re.compile(r"<meta (?:name|property)=\"(?:og:)?(?:description|title)\" content=\"([^\"]*)\"")
_WORD = re.compile(r"[A-Za-zÀ-ÿ][\w.’'-]*[A-Za-zÀ-ÿ]|[A-Za-zÀ-ÿ]{2,}")


def unmarked_words(template: str, *, is_html: bool) -> list[str]:
    """What would stay English: the words outside of messages, tags and attributes that nobody reads."""
    text = _BLOCK.sub(" ", template)
    text = _CODE.sub("", text)
    if is_html:
        text = _UNREAD.sub(" ", text)
        attributes = " ".join(_DESCRIBED.findall(text) + [found[1:-1] for found in _READ.findall(text)])
        text = re.sub(r"<[^>]*>", " ", text) + " " + attributes
    text = re.sub(r"&#?\w+;", " ", text)
    return [word for word in _WORD.findall(text) if word not in NAMES and word != settings.NEWSLETTER_NAME]
