"""`.venv` by itself: on a copy of the few files that a bare machine's Python reads first."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import bootstrap

ROOT = Path(__file__).resolve().parents[2]
# In place of Django's start: say which Python this is, and what was asked.
START = 'import sys\ndef run(argv):\n    print(sys.prefix, argv[1:], sep="|")\n'
# Like Debian's without python3-venv: makes environments, but without pip only.
WITHOUT_ENSUREPIP = """
import os, runpy, sys
if "--without-pip" not in sys.argv:
    sys.exit("ensurepip is not available")
sys.path.remove(os.environ["PYTHONPATH"])
runpy.run_module("venv", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with pip and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys._base_executable, "-m", "venv", folder], check=True)
    return str(folder / "bin" / "python")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with a space in its name, which needs no package at all."""
    folder = tmp_path / "paper round"
    (folder / "config").mkdir(parents=True)
    for name in ("manage.py", "config/__init__.py", "config/bootstrap.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "config" / "start.py").write_text(START)
    for name in bootstrap.LISTS["test"]:
        (folder / name).write_text("# nothing\n")
    return folder


def manage(python: str, checkout: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [python, str(checkout / "manage.py"), *words]
    environment = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1"} | env
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=120)


SETTING_UP = (
    "paper-round: setting up .venv with requirements.txt and requirements-embedded.txt"
    " (once, a minute at most)\n"
)


def test_a_word_makes_its_environment_once_and_goes_on_inside(bare_python: str, checkout: Path) -> None:
    inside = f"{checkout}/.venv|['demo', 'a file', '--fast']\n"
    first = manage(bare_python, checkout, "demo", "a file", "--fast")
    assert (first.returncode, first.stdout, first.stderr) == (0, inside, SETTING_UP)
    again = manage(bare_python, checkout, "demo", "a file", "--fast")
    assert (again.returncode, again.stdout, again.stderr) == (0, inside, "")
    assert manage(f"{checkout}/.venv/bin/python", checkout, "demo", "a file", "--fast").stdout == inside

    # An installation that did not come to its end, or of other requirements, is done again.
    stamp = checkout / ".venv" / "paper-round-run.stamp"
    whole = stamp.read_text()
    stamp.unlink()
    assert manage(bare_python, checkout, "serve").stderr == SETTING_UP
    assert stamp.read_text() == whole
    (checkout / "requirements-embedded.txt").write_text("# nothing else\n")
    assert manage(bare_python, checkout, "serve").stderr == SETTING_UP
    assert stamp.read_text() != whole

    # A package that cannot be had: pip's reason, one sentence, and no stamp that says otherwise.
    (checkout / "requirements.txt").write_text("paper-round-has-no-such-package\n")
    failed = manage(bare_python, checkout, "demo")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "No matching distribution found for paper-round-has-no-such-package" in failed.stderr
    assert failed.stderr.splitlines()[-1] == (
        "paper-round: the packages could not be installed (pip says why above); run the same command again"
    )
    assert not bootstrap_is_filled(checkout)


def bootstrap_is_filled(checkout: Path) -> bool:
    code = "from config import bootstrap; print(bootstrap._is_filled('run'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True
    )
    return done.stdout == "True\n"


def test_other_words_go_on_inside_and_never_install(bare_python: str, checkout: Path) -> None:
    refusal = "paper-round: Django is not installed: run `python3 manage.py demo` once, which sets up .venv\n"
    done = manage(bare_python, checkout, "import_papers", "x")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", refusal)
    subprocess.run([bare_python, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    done = manage(bare_python, checkout, "import_papers", "x")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", refusal)
    (packages,) = (checkout / ".venv" / "lib").glob("*/site-packages")
    (packages / "django.py").write_text("")
    assert (
        manage(bare_python, checkout, "import_papers", "x").stdout
        == f"{checkout}/.venv|['import_papers', 'x']\n"
    )


def test_two_words_at_once_make_one_environment(bare_python: str, checkout: Path) -> None:
    command = [bare_python, str(checkout / "manage.py"), "demo"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, **pipes) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [out for out, _ in outputs] == [f"{checkout}/.venv|['demo']\n"] * 2
    assert sorted(err for _, err in outputs) == ["", SETTING_UP]


def test_without_ensurepip_another_pip_fills_the_environment(
    bare_python: str, checkout: Path, tmp_path: Path
) -> None:
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    (fakes / "venv.py").write_text(WITHOUT_ENSUREPIP)
    done = manage(bare_python, checkout, "demo", PYTHONPATH=str(fakes))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{checkout}/.venv|['demo']\n", SETTING_UP)
    assert not list((checkout / ".venv" / "lib").glob("*/site-packages/pip"))


def test_where_no_environment_can_be_made_the_line_to_type_is_said(
    bare_python: str, checkout: Path, tmp_path: Path
) -> None:
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    (fakes / "venv.py").write_text("raise SystemExit('no')")
    done = manage(bare_python, checkout, "demo", PYTHONPATH=str(fakes))
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == [
        "paper-round: this Python cannot make a virtual environment:"
        f" type `sudo apt install {package}` and try again"
    ]


def test_a_folder_that_is_no_environment_is_left_alone(bare_python: str, checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "diary.txt").write_text("mine")
    done = manage(bare_python, checkout, "demo")
    assert done.stderr.splitlines()[1:] == [
        f"paper-round: {checkout}/.venv is no virtual environment: move it away"
    ]
    assert (checkout / ".venv" / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["manage.py", "config/__init__.py", "config/bootstrap.py"])
def test_what_is_read_first_can_be_read_by_a_python_that_is_too_old(name: str) -> None:
    ast.parse((ROOT / name).read_text(), feature_version=(3, 8))


def test_a_python_that_is_too_old_gets_one_sentence(checkout: Path) -> None:
    code = "import sys; sys.version_info = (3, 8, 10, 'final', 0); sys.argv[1:] = ['demo']"
    code += "; import manage; manage.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, env={"PATH": "/nowhere"}, capture_output=True, text=True
    )
    sentence = "paper-round: Python 3.11 or newer is needed, this is 3.8.10: install a newer Python\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)


def test_manage_alone_lists_our_commands_first_without_any_package(bare_python: str, checkout: Path) -> None:
    done = manage(bare_python, checkout)
    assert (done.returncode, done.stderr) == (0, "")
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")][1:]
    assert listed[:3] == ["demo", "serve", "test"]


def test_every_command_of_ours_is_listed() -> None:
    files = [
        path
        for app in ("config", "papers", "newsletter")
        for path in (ROOT / app).glob("management/commands/*.py")
    ]
    ours = {path.stem for path in files} - {"__init__"}
    assert ours - {name for name, _ in bootstrap.COMMANDS} == set()
