"""Makes `.venv` and fills it, for `demo`, `serve` and `test` on a machine with nothing but Python.

Standard library only, and written so that an old Python can read it far enough to say that it is too old.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, NoReturn, Optional

OLDEST = (3, 11)
BASE_DIR = Path(__file__).resolve().parent.parent
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
# What each word installs. Every list has all of the ones before it.
LISTS = {
    "run": ["requirements.txt", "requirements-embedded.txt"],
    "test": [
        "requirements.txt",
        "requirements-embedded.txt",
        "requirements-training.txt",
        "requirements-dev.txt",
    ],
}
WORDS = {"demo": "run", "serve": "run", "test": "test"}
COMMANDS = [
    ("demo", "a whole day from papers to mails in var/outbox, with sample papers or your FILES"),
    ("serve", "the site, the worker, the timetable and their servers, until Ctrl-C"),
    ("test", "the whole test suite; arguments go to pytest"),
    ("fetch_papers", "read the sources now, or days that went by: --date D or --since D"),
    ("import_papers", "read papers from FILES: page captures, Hugging Face JSON, arXiv Atom and feed"),
    ("file_papers", "file all papers under the topics anew; stopped, it goes on where it was"),
    ("build_edition", "freeze a day's edition"),
    ("send_edition", "send an edition to everybody it is due to; twice does no harm"),
    ("import_subscribers", "read readers who agreed to be mailed from a CSV file"),
    ("tick", "do whatever is due now; any number of times"),
    ("after_restore", "after restoring a backup: put in quarantine what it cannot know; first of all"),
    ("translations", "read the messages out of the code into locale/, and compile them; --check only looks"),
    ("train_topics", "learn topics from imported papers, editors' decisions and labelled FILES"),
    ("evaluate_topics", "measure on labelled FILES how well papers are filed under topics"),
    ("evaluate_ranking", "judge the ranking on vote histories, in FILES or of this installation"),
]


def prepare(arguments: List[str]) -> None:
    """Return inside a Python that has what the command needs, or end with one sentence."""
    if sys.version_info[:2] < OLDEST:
        _refuse(_too_old(arguments))
    if not arguments:
        print_commands()
        raise SystemExit(0)
    wanted = WORDS.get(arguments[0])
    if wanted is None:
        if not _has_django():
            if _is_venv() or not PYTHON.exists():
                _refuse("Django is not installed: run `python3 manage.py demo` once, which sets up .venv")
            _continue_in_venv(arguments)
        return
    if _is_other_venv() and _has_django():
        return  # somebody's own environment, filled by hand
    with _one_at_a_time():
        if not _is_filled(wanted):
            _fill(wanted)
    if not _is_venv():
        _continue_in_venv(arguments)


def print_commands() -> None:
    """What `manage.py` alone prints."""
    print("Paper Round, a daily newsletter of research papers.\n\n  python3 manage.py COMMAND [--help]\n")
    for name, line in COMMANDS:
        print("  {:20}{}".format(name, line))
    print("\nand Django's own (migrate, createsuperuser, shell, ...): python3 manage.py help")


def _too_old(arguments: List[str]) -> str:
    here = "{}.{}.{}".format(*sys.version_info[:3])
    names = ["python3.14", "python3.13", "python3.12", "python3.11"]
    newer = [name for name in names if shutil.which(name) and _works([name, "-c", ""])]
    advice = "install a newer Python"
    if newer:
        advice = "run `{}`".format(" ".join([newer[0], "manage.py"] + arguments))
    return "Python {}.{} or newer is needed, this is {}: {}".format(OLDEST[0], OLDEST[1], here, advice)


def _has_django() -> bool:
    from importlib.util import find_spec

    return find_spec("django") is not None


def _is_venv() -> bool:
    return os.path.realpath(sys.prefix) == os.path.realpath(str(VENV))


def _is_other_venv() -> bool:
    return sys.prefix != sys.base_prefix and not _is_venv()


def _continue_in_venv(arguments: List[str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(str(PYTHON), [str(PYTHON), str(BASE_DIR / "manage.py")] + arguments)  # noqa: S606
    raise AssertionError("unreachable")


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands started at once must not install into one folder."""
    import fcntl

    (BASE_DIR / "var").mkdir(exist_ok=True)
    with (BASE_DIR / "var" / "bootstrap.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp(name: str) -> Path:
    """Written when everything is in, so that an interrupted installation is done again."""
    return VENV / "paper-round-{}.stamp".format(name)


def _digest(name: str) -> str:
    text = b"".join((BASE_DIR / file).read_bytes() for file in LISTS[name])
    return hashlib.sha256(text + "{}.{}".format(*sys.version_info[:2]).encode()).hexdigest()


def _is_filled(name: str) -> bool:
    if not PYTHON.exists():
        return False
    try:
        return _stamp(name).read_text().strip() == _digest(name)
    except OSError:
        return False


def _fill(name: str) -> None:
    say("setting up .venv with {} (once, a minute at most)".format(" and ".join(LISTS[name])))
    pip = _pip_of_venv() or _make_venv()
    files = [word for file in LISTS[name] for word in ("-r", str(BASE_DIR / file))]
    command = pip + ["install", "--quiet", "--disable-pip-version-check", "--prefer-binary"] + files
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if done.returncode:
        _refuse("the packages could not be installed (pip says why above); run the same command again")
    for filled in list(LISTS)[: list(LISTS).index(name) + 1]:
        _stamp(filled).write_text(_digest(filled) + "\n")


def _pip_of_venv() -> Optional[List[str]]:
    command = [str(PYTHON), "-m", "pip"]
    return command if PYTHON.exists() and _works(command + ["--version"]) else None


def _make_venv() -> List[str]:
    """A fresh `.venv`; returns the words that start a pip which installs into it."""
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
        _refuse("{} is no virtual environment: move it away".format(VENV))
    if _works([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        return [str(PYTHON), "-m", "pip"]
    # Debian keeps the part that brings pip (ensurepip) in a package of its own.
    if not _works([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]):
        _refuse(_advice())
    for pip in _other_pips():
        if _works(pip + ["--python", str(PYTHON), "--version"]):
            return pip + ["--python", str(PYTHON)]
    return _refuse(_advice())


def _other_pips() -> Iterator[List[str]]:
    """Ways to run some pip of this machine; only 22.3 and newer can install for another Python."""
    yield [sys.executable, "-m", "pip"]
    for wheel in sorted(Path("/usr/share/python-wheels").glob("pip-*.whl"), reverse=True):
        yield [sys.executable, str(wheel / "pip")]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found:
            yield [found]


def _advice() -> str:
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    return "this Python cannot make a virtual environment: type `sudo apt install {}` and try again".format(
        package
    )


def _works(command: List[str]) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet).returncode == 0


def say(sentence: str) -> None:
    print("paper-round: " + sentence, file=sys.stderr, flush=True)


def _refuse(sentence: str) -> NoReturn:
    say(sentence)
    raise SystemExit(1)
