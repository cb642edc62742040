"""From the command line to Django: own servers where none are named, refusals as one sentence."""

import os
import secrets
import signal
import sys
from pathlib import Path
from types import FrameType

import environ

from config import bootstrap, embedded
from config.keeper import ServerError

BASE_DIR = Path(__file__).resolve().parent.parent
# These look at the code only, so they start no server.
WITHOUT_SERVER = {"help", "--help", "-h", "version", "--version", "translations"}


def run(argv: list[str]) -> None:
    """What `manage.py` does once it runs in a Python that has Django."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        if argv[1] == "test":
            _test(argv[2:])
        prepare(servers=argv[1] not in WITHOUT_SERVER)
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured

        try:
            settings.INSTALLED_APPS  # noqa: B018 - reads the settings now
        except ImproperlyConfigured as error:
            bootstrap.say(str(error))
            raise SystemExit(1) from None
        from django.core.management import execute_from_command_line

        execute_from_command_line(argv)
    except ServerError as error:
        bootstrap.say(str(error))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def prepare(*, servers: bool = True) -> None:
    """Read `.env`; a checkout that names no database gets its own, its own secret key, and DEBUG."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    environ.Env.read_env(BASE_DIR / ".env")
    if os.environ.get("DATABASE_URL"):
        return
    os.environ.setdefault("DEBUG", "true")
    if not os.environ.get("SECRET_KEY"):
        os.environ["SECRET_KEY"] = _secret_key(BASE_DIR / "var" / "secret_key")
    if servers:
        embedded.ensure_database()
    else:
        os.environ["DATABASE_URL"] = "postgresql:///not-started"


def _test(arguments: list[str]) -> None:
    """The suite, in a fresh process: pytest wants to see the first import of everything itself."""
    os.chdir(BASE_DIR)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])  # noqa: S606


def _secret_key(path: Path) -> str:
    """The checkout's own key, made at its first start and readable by its owner only."""
    path.parent.mkdir(exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_text().strip()
        if key:
            return key
        file = os.open(path, os.O_WRONLY | os.O_TRUNC)
    key = secrets.token_urlsafe(48)
    with os.fdopen(file, "w") as writer:
        writer.write(key + "\n")
    return key


def _terminate(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the process in good order, so that the private servers stop before it does."""
    raise SystemExit(128 + number)
