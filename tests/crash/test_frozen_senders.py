"""Senders frozen beyond their lease, as a machine that hangs or sleeps does it, and woken."""

import random
import signal
import time
from collections.abc import Callable

from tests.crash.conftest import FULL, Worlds
from tests.crash.world import LEASE, LINES, TIMEOUT, Child, World, wait_until

READERS = 400
Log = Callable[[str], None]
ROUNDS = 3 if FULL else 1
FROZEN = 4  # senders at once


def test_senders_frozen_beyond_their_lease_send_nothing_twice_when_they_wake(
    worlds: Worlds, kill_log: Log
) -> None:
    chance, frozen_with, verdicts = random.Random(), 0, []
    for _ in range(ROUNDS):
        world = worlds()  # its own edition, which closes once everybody has a mail
        world.add_readers(READERS)
        sleepers = freeze_senders(world, chance)
        held = world.states()
        frozen_with += held.get("claimed", 0) + held.get("handoff", 0)
        time.sleep(LEASE + TIMEOUT + 0.5)  # the longest lease that a row may have
        world.run("manage", "send_edition")
        assert world.waiting() == 0, "somebody else sends what the frozen ones held"
        for sleeper in sleepers:
            sleeper.signal(signal.SIGCONT)
        for sleeper in sleepers:
            assert sleeper.wait(30) in (0, 1), sleeper.said()[-3000:]  # 1: it was stopped, and says by what
        world.finish()
        verdicts.append(world.verdict(doubt_at_most=FROZEN * LINES))
    told = "\n".join(map(str, verdicts))
    kill_log(f"{ROUNDS * FROZEN} senders frozen with {frozen_with} mails in their hands\n{told}")
    assert frozen_with > ROUNDS, "none was frozen with mails in its hands"
    for verdict in verdicts:
        assert verdict.holds, verdict


def freeze_senders(world: World, chance: random.Random) -> list[Child]:
    """Start senders and stop each, at random moments once mails go out."""
    before = world.arrived()
    children = [world.send() for _ in range(FROZEN)]
    wait_until(lambda: world.arrived() > before, 20, "the first mail")
    for child in children:
        time.sleep(chance.uniform(0, 0.05))
        child.signal(signal.SIGSTOP)
    return children
