"""Beat is dead when the edition comes due: another door starts it."""

from collections.abc import Callable

from tests.crash.celery_crew import beat, worker
from tests.crash.conftest import FULL, Worlds
from tests.crash.servers import Broker
from tests.crash.world import wait_until

TICK = "60" if FULL else "2"  # in full, as it comes
READERS = 50
Log = Callable[[str], None]


def test_a_worker_starts_what_a_dead_beat_does_not(worlds: Worlds, broker: Broker, kill_log: Log) -> None:
    world = worlds(REDIS_URL=broker.url(), NEWSLETTER_TICK_SECONDS=TICK)
    world.run("tests.crash.seeding:keep_back")
    world.add_readers(READERS)
    worker(world)
    timetable = beat(world)
    wait_until(lambda: "beat: Starting" in timetable.said(), 20, "beat is there")
    ticked = "select count(*) from papers_mark where name = 'last tick'"
    wait_until(lambda: world.one(ticked), 20, "the worker is there")
    timetable.kill()
    world.run("tests.crash.seeding:release")
    started = wait_until(lambda: world.arrived() > 0, 120, "the first mail, though beat is dead")
    world.wait_until_closed(120)
    verdict = world.verdict(doubt_at_most=0)
    kill_log(f"the first mail {started:.1f} s after the edition came due\n{verdict}")
    assert verdict.holds, verdict


def test_one_tick_by_hand_does_what_no_worker_does(worlds: Worlds, kill_log: Log) -> None:
    world = worlds()
    world.add_readers(READERS)
    world.run("manage", "tick")
    verdict = world.verdict(doubt_at_most=0)
    kill_log(str(verdict))
    assert verdict.holds, verdict
