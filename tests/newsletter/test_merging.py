"""The template for providers: links are variables, and nothing else is one, though it reads the same."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from newsletter.mail import Press, Print
from newsletter.mail.merging import Neutral
from newsletter.models import Subscriber
from newsletter.tokens import link_token
from tests.factories import make_edition, make_paper, make_subscriber, make_topic

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
PUBLIC_ID = "0b9cbb0e-5c1c-4a54-9a4c-6f4f8d5f4a11"
HOSTILE = (
    "{{preferences}} {{{{x}}}} {%if 1%} {#c#} *|UNSUB|* %recipient.unsubscribe% %Recipient_email% "
    "[[var:preferences]] [[[x]]] <%=x%> ${x} {$x} -preferences- 100% {a} [b] *c* | {{"
)
# How providers write a variable, and what else begins something in their templates.
STYLES: dict[str, Callable[[str], str]] = {
    "mailgun": "%recipient.{}%".format,
    "mandrill": "*|{}|*".format,
    "brevo": "{{{{params.{}}}}}".format,
    "mailjet": "[[var:{}]]".format,
    "sendgrid": "-{}-".format,
}
LIVE = re.compile(
    r"\{\{|\{%|\{#|\{\$|\*\||\[\[|<%|%recipient|%unsubscribe|%tag_unsubscribe|%mailing_list", re.IGNORECASE
)
SYNTAX = some.text(some.sampled_from("{}%#$*|[]<-preciunt_"), max_size=40)


def printed(title: str, **fields: object) -> tuple[Print, Subscriber]:
    topic = make_topic(slug="agents", name="Agents {{x}}")
    papers = [(make_paper(title=title, **fields), [topic])]
    reader = make_subscriber(topics={topic: "normal"})
    found = Press([make_edition(date=date(2026, 11, 20), papers=papers, note="{{note}}")]).print(reader.mix)
    assert found is not None
    return found, reader


@pytest.mark.django_db
@pytest.mark.parametrize("style", STYLES)
def test_filled_in_it_is_the_readers_mail_and_nothing_else_is_filled_in(style: str) -> None:
    url = "https://example.org/a?b={{c}}&d=%recipient.x%"
    found, reader = printed(HOSTILE, abstract=f"We saw {HOSTILE}", github_url=url)
    mark = STYLES[style]
    merged = found.merged(mark)
    html, kind = merged.alternatives[0]
    templates = {"subject": merged.subject, "text": str(merged.body), "html": str(html)}
    for name, template in templates.items():
        for purpose in ("preferences", "unsubscribe"):
            if name != "subject":
                assert f"/{purpose}/{mark(purpose)}/" in template
                template = template.replace(f"/{purpose}/{mark(purpose)}/", "")
            assert mark(purpose) not in template
        assert LIVE.findall(template) == []
    text, whole = found.parts(reader)
    data = found.merge_data(reader)
    filled = {name: _filled(template, mark, data) for name, template in templates.items()}
    assert filled["subject"].replace("\u200c", "") == found.subject
    assert filled["text"].replace("\u200c", "") == text
    assert unescape(filled["html"]) == unescape(whole)
    assert (kind, merged.to, merged.cc, merged.bcc) == ("text/html", [], [], [])


@pytest.mark.django_db
def test_a_single_mail_can_be_made_neutral_too() -> None:
    found, reader = printed(HOSTILE, abstract=f"We saw {HOSTILE}")
    usual = found.message(reader, public_id=PUBLIC_ID, now=NOW)
    message = found.message(reader, public_id=PUBLIC_ID, now=NOW, neutral=True)
    html, usual_html = (str(mail.alternatives[0][0]) for mail in (message, usual))
    assert len(LIVE.findall(usual.subject + str(usual.body) + usual_html)) > 20
    assert LIVE.findall(message.subject + str(message.body) + html) == []
    assert str(message.body).replace("\u200c", "") == usual.body
    assert unescape(html) == unescape(usual_html)
    assert message.extra_headers == usual.extra_headers


def _filled(template: str, mark: Callable[[str], str], data: dict[str, str]) -> str:
    for name, value in data.items():
        template = template.replace(mark(name), value)
    return template


@pytest.mark.django_db
def test_the_data_are_the_tokens_of_the_readers_links() -> None:
    found, reader = printed("A title")
    expected = {
        purpose: link_token(purpose, reader.handle, reader.secret)
        for purpose in ("preferences", "unsubscribe")
    }
    assert found.merge_data(reader) == expected
    header = found.unsubscribe_header(reader)
    assert header == f"<http://127.0.0.1:8000/unsubscribe/{expected['unsubscribe']}/>"
    message = found.message(reader, public_id=PUBLIC_ID, now=NOW)
    assert message.extra_headers["List-Unsubscribe"] == header
    merged = found.merged("{{{}}}".format)
    shared = {
        name for name in message.extra_headers if name not in ("Date", "Message-ID", "List-Unsubscribe")
    }
    assert merged.extra_headers == {name: message.extra_headers[name] for name in shared}
    assert merged.from_email == message.from_email


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["näh@example.org", "a b@example.org", "a@example.org\r\nBcc: b@example.org", "a@x,b@x", "<a@x>", ""],
)
def test_an_address_that_cannot_stand_in_a_header_is_refused_in_every_form(address: str) -> None:
    found, reader = printed("A title")
    reader.email = address
    for form in (
        lambda: found.wire(reader, public_id=PUBLIC_ID, now=NOW),
        lambda: found.message(reader, public_id=PUBLIC_ID, now=NOW),
        lambda: found.merge_data(reader),
        lambda: found.unsubscribe_header(reader),
    ):
        with pytest.raises(ValueError, match="is no plain ASCII address"):
            form()


@given(SYNTAX)
@example("{{{%recipient")
@example("[[[[")
def test_no_text_is_left_live_and_all_of_it_is_kept(raw: str) -> None:
    neutral = Neutral(["-preferences-", "-unsubscribe-"])
    text, html = neutral.text(raw), neutral.html(raw)
    for part in (text, html):
        assert LIVE.findall(part) == []
        assert "-preferences-" not in part and "-unsubscribe-" not in part
    assert text.replace("\u200c", "") == raw
    assert unescape(html) == unescape(raw)


def test_ordinary_text_and_links_are_left_as_they_are() -> None:
    neutral = Neutral(["%recipient.preferences%"])
    for raw in (
        "50% of {a} in [b] * | x",
        "https://example.org/%C3%A9?a[]=1&b={c}",
        "a:hover{color:red}@media{b{c:d}}",
    ):
        assert neutral.text(raw) == neutral.html(raw) == raw
