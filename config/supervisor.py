"""Runs a few programs as one: their lines under their names, and when one ends, all end."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

PATIENCE = 8  # seconds that a program has to end in good order
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """What to run, and under which name its lines are shown."""

    name: str
    command: Sequence[str]


def run(programs: Sequence[Program], environment: Mapping[str, str]) -> Program:
    """Start all and wait; returns the one that ended by itself.

    However this ends, with KeyboardInterrupt and SystemExit too, nothing is left running.
    """
    running: list[tuple[Program, subprocess.Popen[str]]] = []
    readers: list[threading.Thread] = []
    width = max(len(program.name) for program in programs)
    try:
        for program in programs:
            running.append((program, _start(program, environment)))
        for program, process in running:
            readers.append(
                threading.Thread(target=_show, args=(program.name.ljust(width), process), daemon=True)
            )
            readers[-1].start()
        while True:
            for program, process in running:
                if process.poll() is not None:
                    return program
            time.sleep(0.1)
    finally:
        _stop([process for _, process in running])
        for reader in readers:
            reader.join(2)  # their last lines say why they ended


def _start(program: Program, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        program.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**environment, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # Ctrl-C comes to us, and we end them in order
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    """Linux: be told to end when the parent is killed, for then nobody else would tell."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _show(name: str, process: subprocess.Popen[str]) -> None:
    with process:
        for line in process.stdout or ():
            print(f"{name} | {line.rstrip()}", flush=True)


def _stop(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Politely, then the hard way: every process of every group, also when Ctrl-C is pressed again."""
    try:
        for process in processes:
            with suppress(ProcessLookupError):
                process.terminate()
        end = time.monotonic() + PATIENCE
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # also children whose parent is gone
            process.wait()
