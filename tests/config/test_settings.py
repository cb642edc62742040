"""Settings: what they read stands in .env.example, and nonsense is refused in one sentence."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A deployment that is whole.
GOOD = {
    "PATH": os.environ["PATH"],
    "SECRET_KEY": "for tests of a deployment only, long enough and of many characters 0123",
    "SITE_URL": "https://papers.example.org",
    "DATABASE_URL": "postgresql://user:secret@db.example.org:5433/papers",
    "REDIS_URL": "redis://localhost:6379/0",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.org",
    "DEFAULT_FROM_EMAIL": "Papers <papers@example.org>",
    "NEWSLETTER_POSTAL_ADDRESS": "1 Example Street, Example Town",
}
PROVIDER = {"EMAIL_URL": "", "EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend"}


def manage(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=GOOD | changes, capture_output=True, text=True, timeout=60)


def read(*names: str, **changes: str) -> list[object]:
    """The values of some settings in a deployment changed like this."""
    code = (
        f"import json; from config import settings as s; print(json.dumps([getattr(s, n) for n in {names}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=GOOD | changes, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe', but must be true or false"),
        (
            {"SECRET_KEY": ""},
            "SECRET_KEY is not set: it signs links and sessions; any 50 random characters that stay the same",
        ),
        (
            {"SITE_URL": ""},
            "SITE_URL is not set: links in mails lead there, such as https://papers.example.org",
        ),
        (
            {"SITE_URL": "papers.example.org"},
            "SITE_URL is '…', but must be an address such as https://papers.example.org",
        ),
        (
            {"SITE_URL": "https://papers.example.org/news"},
            "SITE_URL is 'https://papers.example.org/news', but must be an address such as"
            " https://papers.example.org, without a path",
        ),
        (
            {"DATABASE_URL": "sqlite:///db"},
            "DATABASE_URL is '…', but must be a PostgreSQL address such as postgresql://user:password@host:5432/name",
        ),
        (
            {"DATABASE_URL": "postgresql://u:p@h:port/d"},
            "DATABASE_URL is '…', but must be a PostgreSQL address such as postgresql://user:password@host:5432/name",
        ),
        (
            {"REDIS_URL": "localhost:6379"},
            "REDIS_URL is '…', but must be an address such as redis://localhost:6379/0",
        ),
        (
            {"CELERY_BROKER_URL": "amqp://localhost"},
            "CELERY_BROKER_URL is '…', but must be an address such as redis://localhost:6379/0",
        ),
        (
            {"EMAIL_URL": "http://mail.example.org"},
            "EMAIL_URL is '…', but must be a mail server such as smtp+tls://user:password@mail.example.org:587",
        ),
        (
            {"EMAIL_BACKEND": "anymail.backends.postmark.EmailBackend"},
            "EMAIL_URL is '…', but must be left out where EMAIL_BACKEND is set: mail leaves one way",
        ),
        (
            PROVIDER,
            "ANYMAIL_POSTMARK_SERVER_TOKEN is not set: anymail.backends.postmark.EmailBackend needs it",
        ),
        ({"EMAIL_TIMEOUT": "soon"}, "EMAIL_TIMEOUT is 'soon', but must be a whole number from 1 to 900"),
        (
            {"DEFAULT_FROM_EMAIL": "Papers"},
            "DEFAULT_FROM_EMAIL is 'Papers', but must be a mail address such as"
            " Paper Round <papers@example.org>",
        ),
        ({"TIME_ZONE": "Berlin"}, "TIME_ZONE is 'Berlin', but must be a time zone such as Europe/Berlin"),
        (
            {"NEWSLETTER_FREEZE_AT": "25:00"},
            "NEWSLETTER_FREEZE_AT is '25:00', but must be a time of day such as 00:30",
        ),
        (
            {"NEWSLETTER_TICK_SECONDS": "0"},
            "NEWSLETTER_TICK_SECONDS is '0', but must be a whole number from 1 to 3600",
        ),
        (
            {"NEWSLETTER_NAME": "Two\nlines"},
            "NEWSLETTER_NAME is 'Two\\nlines', but must be one line of text",
        ),
        (
            {"CSRF_TRUSTED_ORIGINS": "papers.example.org"},
            "CSRF_TRUSTED_ORIGINS is 'papers.example.org', but must be origins such as https://papers.example.org",
        ),
        (
            {"NEWSLETTER_SOURCES": "huggingface,twitter"},
            "NEWSLETTER_SOURCES is 'twitter', but must be some of huggingface, arxiv between commas, or none",
        ),
        (
            {"NEWSLETTER_SOURCES": "arxiv"},
            "NEWSLETTER_ARXIV_CATEGORIES is not set: arxiv reads what these announce, such as cs.CL,cs.LG",
        ),
        (
            {"NEWSLETTER_ARXIV_CATEGORIES": "cs.CL,?"},
            "NEWSLETTER_ARXIV_CATEGORIES is '?', but must be arXiv categories such as cs.CL, between commas",
        ),
        (
            {"NEWSLETTER_ARXIV_CATEGORIES": "cs.CL,-"},
            "NEWSLETTER_ARXIV_CATEGORIES is '-', but must be arXiv categories such as cs.CL, between commas",
        ),
        (
            {"NEWSLETTER_ARXIV_CATEGORIES": ","},
            "NEWSLETTER_ARXIV_CATEGORIES is ',', but must be arXiv categories such as cs.CL, between commas",
        ),
        (
            {"NEWSLETTER_HUGGINGFACE_URL": "https://name:secret@example.org"},
            "NEWSLETTER_HUGGINGFACE_URL is '…', but must be an address such as https://huggingface.co",
        ),
        (
            {"NEWSLETTER_FETCH_MINUTES": "1"},
            "NEWSLETTER_FETCH_MINUTES is '1', but must be a whole number from 10 to 1440",
        ),
        (
            {"NEWSLETTER_STALE_SOURCES": "ignore"},
            "NEWSLETTER_STALE_SOURCES is 'ignore', but must be one of label, hold",
        ),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud', but must be one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start_with_one_sentence(
    changes: dict[str, str], sentence: str
) -> None:
    done = manage("check", **changes)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"paper-round: {sentence}\n")


def test_a_whole_deployment_passes_djangos_and_our_own_deployment_checks() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (2 silenced).\n"), (
        done.stderr
    )


def test_the_deployment_check_names_what_a_newsletter_lacks() -> None:
    bare = {"EMAIL_URL": "", "REDIS_URL": "", "DEFAULT_FROM_EMAIL": "", "NEWSLETTER_POSTAL_ADDRESS": ""}
    done = manage("check", "--deploy", **bare)
    assert re.findall(r"\(running\.(W\d+)\)", done.stderr) == ["W001", "W002", "W003", "W004"]


def test_debug_is_off_unless_it_is_switched_on_and_https_makes_everything_secure() -> None:
    names = ("DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    names += ("CSRF_COOKIE_SECURE", "CSRF_COOKIE_SAMESITE")
    site = "https://papers.example.org"
    assert read(*names) == [
        *(False, ["papers.example.org"], [site], True, 2_592_000),
        *(True, "None"),
    ]
    assert read(*names, SITE_URL="http://localhost") == [
        *(False, ["localhost"], ["http://localhost"], False, 0),
        *(False, "Lax"),
    ]


def test_a_session_that_falls_silent_within_a_transaction_ends_with_the_lease() -> None:
    def options(**changes: str) -> object:
        [databases] = read("DATABASES", **changes)
        return databases["default"]["OPTIONS"]["options"]

    silence = "-c idle_in_transaction_session_timeout"
    assert options() == f"{silence}=60000"
    assert options(NEWSLETTER_LEASE_SECONDS="5") == f"{silence}=5000"
    address = f"{GOOD['DATABASE_URL']}?options=-c%20search_path%3Dpapers"
    assert options(DATABASE_URL=address) == f"{silence}=60000 -c search_path=papers"


def test_anymail_reads_its_settings_under_their_own_names() -> None:
    given = {"ANYMAIL_POSTMARK_SERVER_TOKEN": "1234", "ANYMAIL_REQUESTS_TIMEOUT": "20"}
    names = (
        "EMAIL_BACKEND",
        "ANYMAIL_REQUESTS_TIMEOUT",
        "ANYMAIL_POSTMARK_SERVER_TOKEN",
        "ANYMAIL_DEBUG_API_REQUESTS",
    )
    found = read(*names, **PROVIDER, **given, ANYMAIL_DEBUG_API_REQUESTS="false")
    assert found == ["anymail.backends.postmark.EmailBackend", 20, "1234", False]


def test_no_call_of_a_provider_waits_longer_than_a_mail_may_or_is_repeated_by_itself() -> None:
    names = ("ANYMAIL_REQUESTS_TIMEOUT", "ANYMAIL_AMAZON_SES_CLIENT_PARAMS")
    amazon = {"connect_timeout": 45, "read_timeout": 45, "retries": {"total_max_attempts": 1}}
    assert read(*names, **PROVIDER, EMAIL_TIMEOUT="45", ANYMAIL_POSTMARK_SERVER_TOKEN="1234") == [
        45,
        {"config": amazon},
    ]


def test_which_sources_are_read_is_a_setting() -> None:
    names = ("NEWSLETTER_SOURCES", "NEWSLETTER_ARXIV_CATEGORIES", "NEWSLETTER_ARXIV_FEED_URL")
    feed = "https://rss.arxiv.org/atom"
    assert read(*names) == [["huggingface"], [], feed]
    assert read(*names, NEWSLETTER_SOURCES="none") == [[], [], feed]
    both = {
        "NEWSLETTER_SOURCES": "arxiv, huggingface,arxiv",
        "NEWSLETTER_ARXIV_CATEGORIES": "cs.CL,hep-th,cs.CL",
    }
    mirror = "http://mirror.example.org/atom"
    assert read(*names, **both, NEWSLETTER_ARXIV_FEED_URL=f"{mirror}/") == [
        ["arxiv", "huggingface"],
        ["cs.CL", "hep-th"],
        mirror,
    ]


def test_a_mail_server_gets_its_usual_port_and_an_explicit_timeout() -> None:
    names = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_PASSWORD", "EMAIL_TIMEOUT")
    assert read(*names) == ["mail.example.org", 587, True, "secret", 120]


def test_every_variable_that_is_read_stands_in_the_example_and_no_other() -> None:
    tree = ast.parse((ROOT / "config" / "settings.py").read_text())
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    readers = [
        call for call in calls if isinstance(call.func.value, ast.Name) and call.func.value.id == "env"
    ]
    named = {call.args[0].value for call in readers if call.args and isinstance(call.args[0], ast.Constant)}
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert {name for name in example if not name.startswith("ANYMAIL_")} == named
