"""Senders killed at every named place on the road of a mail."""

import random
import signal
from collections.abc import Callable

from tests.crash.conftest import FULL, Worlds
from tests.crash.world import LINES, World

Log = Callable[[str], None]
ROUNDS = 10 if FULL else 1
READERS = 12  # for each kill: enough that all lines are busy more than once

# Passed once in a run; the others once for a mix, a commit or a mail.
ONCE = ("before-plan-commit", "after-plan-commit", "after-claim", "before-release", "before-close-commit")
# Nothing is on its way at the first passing of these, so a kill there leaves nothing in doubt.
BEFORE_THE_GATE = (
    "before-plan-commit",
    "after-plan-commit",
    "after-claim",
    "after-print",
    "before-gate-commit",
)
ON_THE_WAY = ("after-gate-commit", "carry-started", "body-half-sent", "body-sent", "answer-read")
RECORDING = ("before-settle-commit", "after-settle-commit")
ALL_SETTLED = ("before-release", "before-close-commit")
PLACES = (*BEFORE_THE_GATE, *ON_THE_WAY, *RECORDING, *ALL_SETTLED)


def kill_at(world: World, place: str, passing: int) -> int:
    """Kill a sender there; returns how many mails that leaves in doubt."""
    world.add_readers(READERS)
    before = world.doubtful()
    child = world.send(f"{place}:{passing}")
    assert child.wait(30) == -signal.SIGKILL, f"{place}:{passing} was not passed:\n{child.said()[-2000:]}"
    left = world.doubtful() - before
    world.let_leases_run_out()
    return left


def test_a_kill_at_any_place_leaves_no_more_in_doubt_than_is_on_its_way(
    worlds: Worlds, kill_log: Log
) -> None:
    world, chance = worlds(), random.Random()
    left: dict[str, list[int]] = {place: [] for place in PLACES}
    for place in PLACES:
        left[place].append(kill_at(world, place, 1))
        for _ in range(0 if place in ONCE else ROUNDS):
            left[place].append(kill_at(world, place, chance.randint(2, 3)))
    first = {place: kills[0] for place, kills in left.items()}
    assert {place: first[place] for place in (*BEFORE_THE_GATE, *ALL_SETTLED)} == dict.fromkeys(
        (*BEFORE_THE_GATE, *ALL_SETTLED), 0
    )
    worst = {place: max(kills) for place, kills in left.items()}
    assert max(worst.values()) <= LINES, worst
    world.finish()
    doubt = sum(map(sum, left.values()))
    verdict = world.verdict(doubt_at_most=doubt)
    kills = sum(map(len, left.values()))
    told = ", ".join(f"{place} {len(left[place])} (left {worst[place]})" for place in PLACES)
    kill_log(
        f"{kills} kills at {len(PLACES)} places, each with its number and the most that one left in doubt:"
    )
    kill_log(f"{told}\n{verdict}")
    assert verdict.holds, verdict
