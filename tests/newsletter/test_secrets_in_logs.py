"""What the server writes down while people use their links: no key to anybody's page."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as project
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from config.logs import without_secrets
from newsletter.models import OutboxMail
from newsletter.tokens import link_token, one_off_hash
from tests.factories import make_subscriber
from tests.newsletter.test_people import rendered
from tests.processes import wait_until
from tests.website import Website

pytestmark = pytest.mark.django_db

SIGNATURE = "kq3_XbT-9dLwEr5yUi8oPz"


def routes(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Every path of the site as it is written in urls.py, with its parameters."""
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path
        else:
            yield from routes(pattern, path)


def test_every_page_whose_address_is_a_secret_is_known_to_the_logs() -> None:
    paths = [path for path in routes(get_resolver()) if "<str:token>" in path]
    assert len(paths) >= 4
    for path in paths:
        filled = path.replace("<str:token>", f"Handle.{SIGNATURE}").replace("<int:pk>", "7")
        for line in (filled, f'"GET {filled}?a=b HTTP/1.1"', f"https://papers.example.org{filled}"):
            assert SIGNATURE not in without_secrets(line), path
        one_off = path.replace("<str:token>", SIGNATURE).replace("<int:pk>", "7")
        assert SIGNATURE not in without_secrets(one_off), path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/preferences/",
        "/preferences/?saved=1",
        "/topics/agents/",
        "/2026-11-20/mix/abc/",
        "/static/a.css",
    ],
)
def test_what_is_no_secret_is_logged_as_it_is(path: str) -> None:
    assert without_secrets(path) == path


def test_the_log_of_the_real_server_names_readers_by_handle_and_holds_no_key(website: Website) -> None:
    reader = make_subscriber(email="ada.lovelace@example.org")
    OutboxMail.objects.create(
        subscriber=reader, kind="confirm", mix=reader.mix, state="accepted",
        token_hash=one_off_hash(SIGNATURE), handed_over_at=timezone.now(),
    )  # fmt: skip
    tokens = {page: link_token(page, reader.handle, reader.secret) for page in ("preferences", "unsubscribe")}
    paths = [f"/{page}/{token}/" for page, token in tokens.items()] + [f"/confirm/{SIGNATURE}/"]
    for path in paths:
        for method in ("GET", "HEAD", "POST", "PUT"):
            website.ask(method, path)
        website.get(path.rstrip("/"))  # leads to the one with a slash
        website.get(f"{path}nowhere/?next={path}")
        website.get("/static/site.css", Referer=website.url + path)
        website.get(path, **{"User-Agent": f"x {path}"})
    form = {"rendered": rendered(), "website": ""}
    website.post("/subscribe/", form | {"email": "ada.lovelace@example.org"})
    website.post("/subscribe/", form | {"email": "ada.lovelace@"})
    website.get("/healthz?the-last")
    log = wait_until(lambda: "the-last" in website.said() and website.said(), 10, "the log is written")
    signatures = [token.partition(".")[2] for token in tokens.values()]
    assert [secret for secret in (*signatures, SIGNATURE, reader.secret, "lovelace") if secret in log] == []
    # After restoring a backup this is where those who left are found.
    assert f"POST /unsubscribe/{reader.handle}.…/ HTTP/1.1" in log
    assert "Not Found: /confirm/…/nowhere/" in log and "Method Not Allowed" in log


@pytest.mark.parametrize("method", ["get", "post"])
def test_reports_of_errors_go_out_without_links_and_addresses(
    client: Client, settings: Any, method: str
) -> None:
    settings.DEBUG, settings.ADMINS = False, [("", "root@example.org")]
    settings.REDIS_URL = "redis://:letmein@127.0.0.1:1/0"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": settings.REDIS_URL}}
    client.raise_request_exception = False
    reader = make_subscriber(email="ada.lovelace@example.org")
    token = link_token("unsubscribe", reader.handle, reader.secret)
    honest = {"email": reader.email, "rendered": rendered(), "website": ""}
    with connection.execute_wrapper(_broken):
        assert getattr(client, method)(f"/unsubscribe/{token}/").status_code == 500
        assert client.post("/subscribe/", honest).status_code == 500
    assert [one.to for one in mail.outbox] == [["root@example.org"]] * 2
    reports = "".join(f"{one.subject}\n{one.body}" for one in mail.outbox)
    secrets = (token.partition(".")[2], reader.secret, "lovelace", "letmein")
    assert [secret for secret in secrets if secret in reports] == []
    assert "something broke" in reports and "Internal Server Error: /subscribe/" in reports


def _broken(*_: Any) -> None:
    raise RuntimeError("something broke")


def test_the_filter_stands_where_django_names_paths() -> None:
    for name in ("django.request", "django.security.csrf"):
        assert [type(found).__name__ for found in logging.getLogger(name).filters] == ["SecretsLeftOut"]
    assert "logger_class" in (project.BASE_DIR / "gunicorn.conf.py").read_text()
