"""Programs of the project as quick forks: `python -m tests.crash.hatchery`, driven by lines on stdin.

A start of Python and Django takes more than a second, a fork of this process that has imported everything a
few milliseconds. Each child is the real program with its own arguments, environment and process group.

One JSON request a line, one answer a line:
{"hatch": [program, *arguments], "failpoint": name, "log": path} -> pid; the program is manage, celery or a
function as module:name, which gets the arguments.
{"signal": number, "pid": pid} -> true, or false where it has ended. A number with "group" goes to all of it.
{"poll": pid} -> null while it runs, else its exit status (negative: the signal that ended it).
"""

import importlib
import json
import os
import signal
import sys
from typing import Any

PRELOADED = (
    "celery.bin.celery",
    "config.celery",
    "config.urls",
    "django.core.mail.backends.smtp",
    "newsletter.delivery.closing",
    "newsletter.delivery.draining",
    "newsletter.management.commands.send_edition",
    "newsletter.management.commands.tick",
    "newsletter.tasks",
    "papers.tasks",
)
_living: set[int] = set()
_ended: dict[int, int] = {}


def main() -> None:
    import django

    django.setup()
    for name in PRELOADED:
        importlib.import_module(name)
    # It ends with stdin: a signal to all processes of the tests must leave it time to end its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)
    # Whoever asked is gone, and nothing may outlive it.
    for pid in list(_living):
        if _poll(pid) is None:
            os.killpg(pid, signal.SIGKILL)


def _answer(request: dict[str, Any]) -> Any:
    if "hatch" in request:
        return _hatch(**request)
    pid = request.get("poll") or request["pid"]
    status = _poll(pid)
    if "poll" in request:
        return status
    # It is a child that nobody has waited for, so the number is still its own.
    target = os.killpg if request.get("group") else os.kill
    try:
        target(pid, request["signal"])
    except ProcessLookupError:
        return False
    return status is None


def _poll(pid: int) -> int | None:
    if pid not in _ended:
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            return None
        _living.discard(pid)
        _ended[pid] = os.waitstatus_to_exitcode(status)
    return _ended[pid]


def _hatch(hatch: list[str], failpoint: str, log: str) -> int:
    pid = os.fork()
    if pid:
        _living.add(pid)
        return pid
    status = 1
    try:
        os.setsid()  # before the driver may signal the group: it hears the pid later than this
        _redirect(log)
        os.environ["NEWSLETTER_FAILPOINT"] = failpoint
        if "newsletter.failpoints" in sys.modules:  # it read the environment when it was imported
            importlib.reload(sys.modules["newsletter.failpoints"])
        _run(hatch)
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _redirect(log: str) -> None:
    """Output into `log`, nothing to read, and the answers' pipe closed: a child must not hold it open."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run(arguments: list[str]) -> None:
    program, *rest = arguments
    if program == "manage":
        from django.core.management import execute_from_command_line

        sys.argv = ["manage.py", *rest]
        execute_from_command_line(sys.argv)
    elif program == "celery":
        from celery.bin.celery import main as celery

        sys.argv = ["celery", "--app", "config", *rest]
        sys.exit(celery())
    else:
        module, _, name = program.partition(":")
        getattr(importlib.import_module(module), name)(*rest)


if __name__ == "__main__":
    main()
