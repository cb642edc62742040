"""Readers of one environment variable each. A value that makes no sense is refused in one sentence."""

import os
import re
from datetime import time
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}
MAIL_PORTS = {"smtp": 25, "smtps": 587, "smtp+tls": 587, "smtp+ssl": 465}
# What each of Anymail's backends cannot start without, as the setting after ANYMAIL_<NAME>_.
PROVIDER_KEYS = {
    "amazon_ses": (),
    "brevo": ("API_KEY",),
    "mailersend": ("API_TOKEN",),
    "mailgun": ("API_KEY",),
    "mailjet": ("API_KEY", "SECRET_KEY"),
    "mailtrap": ("API_TOKEN",),
    "mandrill": ("API_KEY",),
    "postal": ("API_KEY", "API_URL"),
    "postmark": ("SERVER_TOKEN",),
    "resend": ("API_KEY",),
    "scaleway": ("SECRET_KEY", "PROJECT_ID"),
    "sendgrid": ("API_KEY",),
    "sparkpost": ("API_KEY",),
    "unisender_go": ("API_KEY", "API_URL"),
}


def refuse(name: str, value: str, wanted: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {value!r}, but must be {wanted}")


def text(name: str, default: str = "") -> str:
    """The value without spaces around it; an empty one counts as not set."""
    value = os.environ.get(name, "").strip() or default
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise refuse(name, value, "one line of text")
    return value


def needed(name: str, why: str) -> str:
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {why}")
    return value


def words(name: str, default: list[str] | None = None) -> list[str]:
    """Several values between commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default or [])


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in YES | NO:
        raise refuse(name, value, "true or false")
    return value in YES


def number(name: str, default: int, lowest: int, highest: int) -> int:
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or not lowest <= int(value) <= highest:
        raise refuse(name, value, f"a whole number from {lowest} to {highest}")
    return int(value)


def rate(name: str) -> list[tuple[int, str]]:
    """Limits such as 14/s,50000/d as [(14, "s"), (50000, "d")], one for each unit of time."""
    found: dict[str, int] = {}
    for value in words(name):
        parts = re.fullmatch(r"([1-9][0-9]{0,8})/([smhd])", value)
        if parts is None or parts[2] in found:
            raise refuse(name, text(name), "limits such as 14/s or 14/s,50000/d, one for each of s, m, h, d")
        found[parts[2]] = int(parts[1])
    return [(limit, unit) for unit, limit in found.items()]


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in choices:
        raise refuse(name, value, f"one of {', '.join(choices)}")
    return value


def several(name: str, default: list[str], choices: tuple[str, ...]) -> list[str]:
    """Some of the choices between commas, each once; `none` for none of them."""
    given = words(name, default)
    if given == ["none"]:
        return []
    for value in given:
        if value not in choices:
            raise refuse(name, value, f"some of {', '.join(choices)} between commas, or none")
    return list(dict.fromkeys(given))


def categories(name: str) -> list[str]:
    """arXiv categories between commas, each once."""
    if text(name) and not words(name):
        raise refuse(name, text(name), "arXiv categories such as cs.CL, between commas")
    for value in (given := words(name)):
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[A-Za-z]+(-[A-Za-z]+)*)?", value):
            raise refuse(name, value, "arXiv categories such as cs.CL, between commas")
    return list(dict.fromkeys(given))


def clock(name: str, default: str) -> str:
    """A time of day as "HH:MM"."""
    value = text(name, default)
    try:
        if not re.fullmatch(r"[0-9]{2}:[0-9]{2}", value):
            raise ValueError
        time.fromisoformat(value)
    except ValueError:
        raise refuse(name, value, "a time of day such as 00:30") from None
    return value


def zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise refuse(name, value, "a time zone such as Europe/Berlin") from None
    return value


def mailbox(name: str, default: str) -> str:
    """An address, with or without a name: `Paper Round <papers@example.org>`."""
    value = text(name, default)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
        raise refuse(name, value, "a mail address such as Paper Round <papers@example.org>")
    return value


def site(name: str, default: str) -> str:
    """The address of the site, without a path or a slash at its end."""
    value = text(name, default).rstrip("/")
    parts = _split(name, value, "https://papers.example.org")
    if parts.scheme not in ("http", "https") or parts.path or parts.query or parts.fragment or parts.username:
        raise refuse(name, value, "an address such as https://papers.example.org, without a path")
    return value


def service(name: str, default: str) -> str:
    """The address of somebody's service, which may have a path, without a slash at its end."""
    value = text(name, default).rstrip("/")
    parts = _split(name, value, default)
    if parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.username:
        raise refuse(name, "…", f"an address such as {default}")
    return value


def origins(name: str, default: list[str]) -> list[str]:
    """Origins for the CSRF check."""
    for value in (values := words(name, default)):
        if not re.fullmatch(r"https?://[^/\s]+", value):
            raise refuse(name, value, "origins such as https://papers.example.org")
    return values


def redis(name: str, default: str = "") -> str:
    value = text(name, default)
    if value and _split(name, value, "redis://localhost:6379/0").scheme not in ("redis", "rediss"):
        raise refuse(name, "…", "an address such as redis://localhost:6379/0")
    return value


def database(name: str, *, patience: int) -> dict[str, Any]:
    """Django's DATABASES entry. Values are not repeated in refusals here and below: they hold passwords.

    A process that was frozen, or cut off, within a transaction would keep its locks, and all others would
    wait for it: after `patience` seconds without a word PostgreSQL ends the session.
    """
    value = needed(name, "run `python3 manage.py serve`, which brings its own, or name a PostgreSQL")
    wanted = "a PostgreSQL address such as postgresql://user:password@host:5432/name"
    if value.partition("://")[0] not in ("postgresql", "postgres"):
        raise refuse(name, "…", wanted)
    try:
        found = dict(environ.Env.db_url_config(value))
    except Exception as error:
        raise refuse(name, "…", wanted) from error
    options = found.setdefault("OPTIONS", {})
    silence = f"-c idle_in_transaction_session_timeout={patience * 1000}"
    options["options"] = f"{silence} {options.get('options', '')}".strip()  # what the address says comes last
    return found


def mail_server(name: str) -> dict[str, Any]:
    """Django's EMAIL_* settings for an SMTP server."""
    value = text(name)
    wanted = "a mail server such as smtp+tls://user:password@mail.example.org:587"
    parts = _split(name, value, "smtp+tls://user:password@mail.example.org:587")
    if parts.scheme not in MAIL_PORTS:
        raise refuse(name, "…", wanted)
    try:
        found = dict(environ.Env.email_url_config(value))
    except Exception as error:
        raise refuse(name, "…", wanted) from error
    del found["EMAIL_FILE_PATH"]
    return {**found, "EMAIL_PORT": parts.port or MAIL_PORTS[parts.scheme]}


def provider(name: str) -> str:
    """The backend's dotted name, refused where it is one of Anymail's without its key."""
    value = text(name)
    found = re.fullmatch(r"anymail\.backends\.(\w+)\.EmailBackend", value)
    if found and found[1] not in PROVIDER_KEYS:
        raise refuse(name, value, f"a provider that Anymail knows: {', '.join(PROVIDER_KEYS)}")
    for key in PROVIDER_KEYS[found[1]] if found else ():
        needed(f"ANYMAIL_{found[1].upper()}_{key}" if found else "", f"{value} needs it")
    return value


def anymail(timeout: int) -> dict[str, Any]:
    """Every ANYMAIL_… variable under its own name, for Anymail reads settings of these names.

    No call waits longer than `timeout` seconds, unless the environment says so, and none is repeated: only
    the ledger knows what may be sent again. Amazon's client would repeat calls by itself, those without an
    answer too.
    """
    amazon = {"connect_timeout": timeout, "read_timeout": timeout, "retries": {"total_max_attempts": 1}}
    given: dict[str, Any] = {
        "ANYMAIL_REQUESTS_TIMEOUT": timeout,
        "ANYMAIL_AMAZON_SES_CLIENT_PARAMS": {"config": amazon},
    }
    for name in sorted(os.environ):
        if not name.startswith("ANYMAIL_") or not (value := text(name)):
            continue
        given[name] = value
        if value.lower() in ("true", "false"):
            given[name] = flag(name, default=False)
        elif name.endswith("_TIMEOUT"):
            given[name] = number(name, 30, 1, 600)
    return given


def _split(name: str, value: str, wanted: str) -> Any:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refuse(name, "…", f"an address such as {wanted}") from None
    if not parts.hostname:
        raise refuse(name, "…", f"an address such as {wanted}")
    return parts
