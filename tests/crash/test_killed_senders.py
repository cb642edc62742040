"""Senders (`manage.py send_edition`) killed at any moment."""

import random
import signal
import time
from collections.abc import Callable

from tests.crash.conftest import FULL, Worlds
from tests.crash.world import LINES, World

KILLS = 500 if FULL else 15
ENOUGH = 400  # readers who wait: no sender runs out of work before it is killed
Log = Callable[[str], None]


def kill_one_sender(world: World, chance: random.Random) -> bool:
    """Start a sender and kill it at a random moment; False where it had ended before."""
    before = world.arrived()
    child = world.send()
    if chance.random() < 0.75:  # while mails go out; else anywhere from its first step on
        while world.arrived() == before:
            if child.status() is not None:
                return False
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.08))
    else:
        time.sleep(chance.uniform(0.01, 0.3))
    return child.kill() == -signal.SIGKILL


def test_killed_senders_neither_repeat_nor_forget_a_mail(worlds: Worlds, kill_log: Log) -> None:
    world, chance = worlds(), random.Random()
    world.add_readers(2 * ENOUGH)
    kills, worst, doubt, began = 0, 0, 0, time.monotonic()
    while kills < KILLS:
        if world.waiting() < ENOUGH:
            world.add_readers(ENOUGH)
        killed = kill_one_sender(world, chance)
        left = world.doubtful() - doubt
        assert left <= LINES, f"one kill left {left} mails in doubt"
        worst, doubt, kills = max(worst, left), doubt + left, kills + killed
        if chance.random() < 0.7:  # else the next ones live beside the dead one's claims
            world.let_leases_run_out()
    seconds = time.monotonic() - began
    assert not world.closed(), "the work ran out before the kills"
    world.finish()
    verdict = world.verdict(doubt_at_most=doubt)
    told = f"{kills} senders killed, {kills / seconds:.1f} a second; at most {worst} in doubt for each"
    kill_log(f"{told}\n{verdict}")
    assert verdict.holds, verdict
