"""Celery workers and beats on a real broker: killed, doubled, cut off."""

import random
import time
from collections.abc import Callable

import psutil

from tests.crash.celery_crew import beat, worker
from tests.crash.conftest import FULL, Worlds
from tests.crash.servers import Broker, Database
from tests.crash.world import LINES, Child, World, wait_for_more, wait_until

KILLS = 50 if FULL else 2
SLOW = 0.1  # seconds that the mail server takes for a mail: a worker sends LINES / SLOW a second
DOWNTIMES = 10 if FULL else 1
TICK = "1"  # seconds between ticks
Log = Callable[[str], None]


def pool_of(child: Child) -> list[psutil.Process]:
    """The processes of a worker that run its tasks."""
    try:
        return psutil.Process(child.pid).children()
    except psutil.Error:
        return []


def kill_worker(child: Child, chance: random.Random) -> str:
    """The whole worker, its main process alone, or the process that sends."""
    kind = chance.choice(["all of it", "its main process", "its sending process"])
    pool = pool_of(child)
    if kind == "its sending process" and pool:
        pool[0].kill()  # the main process starts another
    elif kind == "its main process":
        child.kill()
    else:
        kind = "all of it"
        child.kill(group=True)
    return kind


def test_killed_workers_neither_repeat_nor_forget_a_mail(
    worlds: Worlds, broker: Broker, kill_log: Log
) -> None:
    world, chance = worlds(slow=SLOW, REDIS_URL=broker.url(), NEWSLETTER_TICK_SECONDS=TICK), random.Random()
    world.add_readers(80 * KILLS if FULL else 250)
    workers = [worker(world), worker(world)]
    kinds: list[str] = []
    while len(kinds) < KILLS:
        wait_for_more(world.arrived, 4, 30, "somebody sends")
        time.sleep(chance.uniform(0, 0.4))
        victim = chance.randrange(2)
        kinds.append(kill_worker(workers[victim], chance))
        if workers[victim].status() is not None:
            workers[victim] = worker(world)
    assert not world.closed(), "the work ran out before the kills"
    world.wait_until_closed(120)
    verdict = world.verdict(doubt_at_most=KILLS * LINES)
    told = ", ".join(f"{kinds.count(kind)} times {kind}" for kind in sorted(set(kinds)))
    kill_log(f"{KILLS} kills of Celery workers: {told}\n{verdict}")
    assert verdict.holds, verdict


def test_postgresql_killed_again_and_again(
    worlds: Worlds, server: Database, broker: Broker, kill_log: Log
) -> None:
    world, chance = (
        worlds(slow=SLOW, REDIS_URL=broker.url(), NEWSLETTER_TICK_SECONDS=TICK, EMAIL_TIMEOUT="20"),
        random.Random(),
    )
    world.add_readers(120 * DOWNTIMES)
    worker(world)
    beat(world)
    waits: list[float] = []
    for number in range(DOWNTIMES):
        wait_for_more(world.arrived, 10, 30, "mails go out")
        if number % 3 == 2:
            server.kill_a_backend()
        else:
            server.kill()
            time.sleep(chance.uniform(0, 2))
            server.restart()
        waits.append(until_next_mail(world))
    assert not world.closed(), "the work ran out before the kills"
    world.wait_until_closed(60)
    verdict = world.verdict(doubt_at_most=DOWNTIMES * LINES)
    kill_log(f"PostgreSQL killed {DOWNTIMES} times; mails again after at most {max(waits):.1f} s\n{verdict}")
    assert max(waits) <= 30
    assert verdict.holds, verdict


def until_next_mail(world: World) -> float:
    """Seconds until a gate opens again: what was on its way before does not count."""
    gates = "select count(*) from crash_history where became = 'handoff'"
    began, before = time.monotonic(), None
    while before is None:
        try:
            before = world.one(gates)
        except Exception:
            time.sleep(0.02)
    wait_until(lambda: world.one(gates) > before or world.closed(), 60, "mails go out again")
    return time.monotonic() - began


def test_a_broker_that_is_emptied_and_killed_delays_but_loses_nothing(
    worlds: Worlds, broker: Broker, kill_log: Log
) -> None:
    world = worlds(slow=SLOW, REDIS_URL=broker.url(), NEWSLETTER_TICK_SECONDS=TICK)
    world.run("tests.crash.seeding:keep_back")
    world.add_readers(3000 if FULL else 200)
    worker(world)
    beat(world)
    ticked = "select count(*) from papers_mark where name = 'last tick'"
    wait_until(lambda: world.one(ticked), 30, "the worker ticks")
    # Due while the broker is away: whoever is to send it hears of it only when the broker is back.
    broker.flush()
    broker.kill()
    world.run("tests.crash.seeding:release")
    time.sleep(2)
    broker.restart()
    started = wait_until(lambda: world.arrived() > 0, 90, "mails go out")
    broker.flush()
    broker.kill()
    began = time.monotonic()
    time.sleep(2)
    broker.restart()
    world.wait_until_closed(90 + 3000 * SLOW / LINES)
    took = time.monotonic() - began
    verdict = world.verdict(doubt_at_most=0)
    kill_log(
        f"the first mail {started:.1f} s after the broker came back; closed {took:.1f} s after it was killed"
    )
    kill_log(f"again in mid-run\n{verdict}")
    assert verdict.holds, verdict


def test_five_beats_at_once_make_one_run(worlds: Worlds, broker: Broker, kill_log: Log) -> None:
    world = worlds(REDIS_URL=broker.url(), NEWSLETTER_TICK_SECONDS=TICK)
    world.run("tests.crash.seeding:keep_back")
    world.add_readers(300)
    workers = [worker(world), worker(world)]
    beats = [beat(world) for _ in range(5)]
    wait_until(lambda: workers[0].said().count("newsletter.tasks.tick") >= 5, 30, "ticks come")
    world.run("tests.crash.seeding:release")
    ticks = [world.start("manage", "tick") for _ in range(5)]
    for tick in ticks:
        assert tick.wait(60) == 0, tick.said()[-3000:]
    world.wait_until_closed(60)
    assert all(beat.status() is None for beat in beats)
    verdict = world.verdict(doubt_at_most=0)
    kill_log(str(verdict))
    assert verdict.holds, verdict
    assert world.one("select count(*) from newsletter_edition where frozen_at is not null") == 1
    assert world.rows("select sum(planned) from newsletter_slot") == [(300,)]
