"""Every sentence that readers see has a translation, and its files are those of the code."""

import gettext
from pathlib import Path

import pytest
from django.conf import settings

from config import messages
from tests.unmarked import unmarked_words

LANGUAGES = messages.languages()


def test_german_is_the_second_language() -> None:
    assert settings.LANGUAGES == [("en", "English"), ("de", "Deutsch")]
    assert LANGUAGES == ["de"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_with_its_placeholders(language: str) -> None:
    assert [str(fault) for fault in messages.faults_of(language)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_are_those_of_the_code(language: str) -> None:
    """Else run `manage.py translations`, fill in what is empty, and run it again."""
    assert messages.is_current(language)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two files, with messages of every kind."""
    for folder in ("config", "papers", "newsletter", "templates/admin", "locale/de/LC_MESSAGES"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "papers" / "facts.py").write_text(
        "from django.utils.translation import gettext as _, ngettext, pgettext\n"
        'a = _("Who reads")\n'
        'b = ngettext("%(n)s paper", "%(n)s papers", 3)\n'
        'c = pgettext("month", "May")\n'
    )
    (tmp_path / "templates" / "page.html").write_text(
        "{% load i18n %}<p title=\"{% translate 'It is (so)' %}\">\n"
        "  {% blocktranslate trimmed count n=papers|length %}\n  One <b>paper</b>\n"
        "  {% plural %}{{ n }} <b>papers</b>{% endblocktranslate %} {{ x|default:_('none') }}</p>\n"
    )
    (tmp_path / "templates" / "admin" / "desk.html").write_text("{% load i18n %}{% translate 'Home' %}")
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    return tmp_path


def test_messages_are_read_out_of_python_and_templates(checkout: Path) -> None:
    found = {(message.context, message.id) for message in messages.in_code() if message.id}
    assert found == {
        (None, "Who reads"),
        (None, ("%(n)s paper", "%(n)s papers")),
        ("month", "May"),
        (None, "It is (so)"),
        (None, ("One <b>paper</b>", "%(n)s <b>papers</b>")),
        (None, "none"),
    }


def test_what_is_translated_stays_and_what_the_code_no_longer_says_goes(checkout: Path) -> None:
    catalog = messages.updated("de")
    catalog.get("Who reads").string = "Wer liest"
    catalog.get("%(n)s paper").string = ("%(n)s Paper", "%(n)s Papers")
    messages.po_path("de").write_bytes(messages.as_po(catalog))
    code = checkout / "papers" / "facts.py"
    code.write_text(code.read_text().replace('pgettext("month", "May")', '_("Where to")'))
    messages.write("de")
    assert messages.is_current("de")
    found = {message.id: message.string for message in messages.read("de") if message.id}
    assert found == {
        "Who reads": "Wer liest",
        ("%(n)s paper", "%(n)s papers"): ("%(n)s Paper", "%(n)s Papers"),
        "Where to": "",
        "It is (so)": "",
        ("One <b>paper</b>", "%(n)s <b>papers</b>"): ("", ""),
        "none": "",
    }
    with messages.po_path("de").with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert compiled.gettext("Who reads") == "Wer liest"
    assert compiled.ngettext("%(n)s paper", "%(n)s papers", 1) == "%(n)s Paper"
    assert compiled.ngettext("%(n)s paper", "%(n)s papers", 0) == "%(n)s Papers"
    assert compiled.gettext("Where to") == "Where to"  # nothing said in German: English stands


def test_a_sentence_may_move_to_another_file_and_not_change(checkout: Path) -> None:
    messages.write("de")
    (checkout / "papers" / "facts.py").rename(checkout / "newsletter" / "moved.py")
    assert messages.is_current("de")
    (checkout / "newsletter" / "moved.py").unlink()
    assert not messages.is_current("de")


def test_what_is_missing_unsure_or_has_lost_a_placeholder_is_named(checkout: Path) -> None:
    catalog = messages.updated("de")
    for message in catalog:
        if message.id:
            message.string = message.id
    catalog.get("Who reads").string = ""
    catalog.get("May", context="month").flags.add("fuzzy")
    catalog.get("%(n)s paper").string = ("ein Paper", "%(n)s Papers")
    catalog.get("One <b>paper</b>").string = ("Ein <b>Paper</b>", "%(n)s Papers")
    messages.po_path("de").write_bytes(messages.as_po(catalog))
    assert sorted(str(fault) for fault in messages.faults_of("de")) == [
        "marked as unsure: 'May'",
        "not translated: 'Who reads'",
        "other placeholders or tags in '%(n)s Papers': 'One <b>paper</b>'",
        "other placeholders or tags in 'ein Paper': '%(n)s paper'",
    ]
    assert not messages.is_current("de")  # nothing was compiled


# The desk is English, and so is the list of mails of the demo.
ENGLISH = {"login_link.html", "newsletter/outbox_index.html"}


def test_every_word_of_the_readers_templates_is_in_a_message() -> None:
    templates = settings.BASE_DIR / "templates"
    left = {}
    for path in sorted(templates.rglob("*.*")):
        name = path.relative_to(templates).as_posix()
        if not name.startswith("admin/") and name not in ENGLISH:
            left[name] = unmarked_words(path.read_text(), is_html=path.suffix != ".txt")
    assert "base.html" in left
    assert {name: words for name, words in left.items() if words} == {}


def test_words_outside_of_messages_are_found() -> None:
    template = """{% load i18n %}{# a note #}{% comment %}another{% endcomment %}
        <p title="Read me" class="small">{% translate "Who reads" %} {{ title }} on arXiv &amp; Elsewhere</p>
        {% blocktranslate %}One <b>paper</b>{% endblocktranslate %}<style>p { color: red }</style>"""
    assert unmarked_words(template, is_html=True) == ["on", "Elsewhere", "Read", "me"]
    assert unmarked_words("Code: {{ url }}", is_html=False) == ["Code"]
