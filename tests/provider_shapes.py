"""How five mail providers are asked over HTTP, and how they answer: what `tests.provider_server` speaks.

Each shape takes a request apart into the mails that its readers would get, with their own links filled in as
the provider does it, and writes the provider's answer. `refused` maps addresses to "invalid" or "rejected".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Mail:
    """What one reader would get. `values` are filled into subject, text, HTML and headers when asked for."""

    to: str
    delivery_id: str
    template: Mapping[str, str]  # subject, text, html
    common: Mapping[str, str] = field(default_factory=dict)  # headers
    values: Mapping[str, str] = field(default_factory=dict)  # mark -> value

    @property
    def subject(self) -> str:
        return self._filled(self.template["subject"])

    @property
    def text(self) -> str:
        return self._filled(self.template["text"])

    @property
    def html(self) -> str:
        return self._filled(self.template["html"])

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name."""
        return {name.lower(): self._filled(value) for name, value in self.common.items()}

    def _filled(self, text: str) -> str:
        for mark, value in self.values.items():
            text = text.replace(mark, value)
        return text


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and which mails the provider took."""

    status: int
    body: Any
    taken: Sequence[Mail] = ()


Refused = Mapping[str, str]
Shape = tuple[Callable[[bytes], list[Mail]], Callable[[list[Mail], Refused, int], Answer]]


def mailgun_mails(body: bytes) -> list[Mail]:
    asked = parse_qs(body.decode(), keep_blank_values=True)
    one = {name: values[0] for name, values in asked.items()}
    own = json.loads(one.get("recipient-variables", "{}"))
    template = {name: one.get(name, "") for name in ("subject", "text", "html")}
    headers = {name[2:]: value for name, value in one.items() if name.startswith("h:")}
    mails = []
    for address in asked["to"]:
        values = {f"%recipient.{name}%": value for name, value in own.get(address, {}).items()}
        delivery_id = one.get("v:delivery_id", "")
        mails.append(Mail(address, values.get(delivery_id, delivery_id), template, headers, values))
    return mails


def mailgun_answer(mails: list[Mail], refused: Refused, call: int) -> Answer:
    # The whole call, for one address, and it does not say which.
    if any(mail.to in refused for mail in mails):
        return Answer(400, {"message": "to parameter is not a valid address. please check documentation"})
    return Answer(200, {"id": f"<mailgun-{call}@example.org>", "message": "Queued. Thank you."}, mails)


def postmark_mails(body: bytes) -> list[Mail]:
    asked = json.loads(body)
    return [
        Mail(
            one["To"],
            one.get("Metadata", {}).get("delivery_id", ""),
            {"subject": one["Subject"], "text": one["TextBody"], "html": one.get("HtmlBody", "")},
            {header["Name"]: header["Value"] for header in one.get("Headers", [])},
        )
        for one in (asked if isinstance(asked, list) else [asked])
    ]


def postmark_answer(mails: list[Mail], refused: Refused, call: int) -> Answer:
    told, taken = [], []
    for number, mail in enumerate(mails):
        word = refused.get(mail.to)
        if word == "invalid":
            text = f"Error parsing 'To': Illegal email address '{mail.to}'."
            told.append({"ErrorCode": 300, "Message": text})
        elif word:
            text = f"Found inactive addresses: {mail.to}.\nInactive recipients are ones that bounced."
            told.append({"ErrorCode": 406, "Message": text})
        else:
            taken.append(mail)
            told.append({"ErrorCode": 0, "Message": "OK", "To": mail.to, "MessageID": f"pm-{call}-{number}"})
    if len(mails) > 1:
        return Answer(200, told, taken)
    return Answer(200 if taken else 422, told[0], taken)


def mailjet_mails(body: bytes) -> list[Mail]:
    asked = json.loads(body)
    shared = asked["Globals"]
    template = {
        "subject": shared["Subject"],
        "text": shared["TextPart"],
        "html": shared.get("HTMLPart", ""),
    }
    mails = []
    for one in asked["Messages"]:
        (reader,) = one["To"]
        payload = json.loads(one.get("EventPayload") or shared.get("EventPayload") or "{}")
        values = {f"[[var:{name}]]": value for name, value in one.get("Variables", {}).items()}
        headers = one.get("Headers") or shared.get("Headers", {})  # a message's own replace the shared ones
        mails.append(Mail(reader["Email"], payload.get("delivery_id", ""), template, headers, values))
    return mails


def mailjet_answer(mails: list[Mail], refused: Refused, call: int) -> Answer:
    told, taken = [], []
    for number, mail in enumerate(mails):
        if mail.to in refused:
            told.append({"Status": "error", "Errors": [{"ErrorCode": "mj-0013", "StatusCode": 400}]})
            continue
        taken.append(mail)
        told.append({"Status": "success", "To": [{"Email": mail.to, "MessageID": f"{call}{number:04}"}]})
    return Answer(200 if len(taken) == len(mails) else 400, {"Messages": told}, taken)


def sendgrid_mails(body: bytes) -> list[Mail]:
    asked = json.loads(body)
    parts = {part["type"]: part["value"] for part in asked["content"]}
    template = {"subject": asked["subject"], "text": parts["text/plain"], "html": parts.get("text/html", "")}
    mails = []
    for one in asked["personalizations"]:
        (reader,) = one["to"]
        args = {**asked.get("custom_args", {}), **one.get("custom_args", {})}
        headers = {**asked.get("headers", {}), **one.get("headers", {})}
        values = one.get("substitutions", {})
        mails.append(Mail(reader["email"], args.get("delivery_id", ""), template, headers, values))
    return mails


def sendgrid_answer(mails: list[Mail], refused: Refused, call: int) -> Answer:
    if any(mail.to in refused for mail in mails):
        return Answer(400, {"errors": [{"message": "Does not contain a valid address."}]})
    return Answer(202, None, mails)


def unisender_mails(body: bytes) -> list[Mail]:
    asked = json.loads(body)["message"]
    parts = asked["body"]
    template = {"subject": asked["subject"], "text": parts["plaintext"], "html": parts.get("html", "")}
    mails = []
    for one in asked["recipients"]:
        metadata = {**asked.get("global_metadata", {}), **one.get("metadata", {})}
        values = {f"{{{{{name}}}}}": value for name, value in one.get("substitutions", {}).items()}
        headers = asked.get("headers", {})
        mails.append(Mail(one["email"], metadata.get("delivery_id", ""), template, headers, values))
    return mails


def unisender_answer(mails: list[Mail], refused: Refused, call: int) -> Answer:
    words = {"invalid": "invalid", "rejected": "unsubscribed", "failed": "temporary_unavailable"}
    failed = {mail.to: words[refused[mail.to]] for mail in mails if mail.to in refused}
    taken = [mail for mail in mails if mail.to not in refused]
    told = {"status": "success", "job_id": f"job-{call}", "emails": [mail.to for mail in taken]}
    return Answer(200, {**told, "failed_emails": failed} if failed else told, taken)


# By the beginning of the path that Anymail asks: see `settings_for` in provider_server.
SHAPES: dict[str, Shape] = {
    "mailgun": (mailgun_mails, mailgun_answer),
    "postmark": (postmark_mails, postmark_answer),
    "mailjet": (mailjet_mails, mailjet_answer),
    "sendgrid": (sendgrid_mails, sendgrid_answer),
    "unisender_go": (unisender_mails, unisender_answer),
}
