"""A thousand readers leave while mails go out: no gate opens for anybody after their leaving committed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from tests.crash.conftest import FULL, Worlds
from tests.crash.world import World, wait_until

LEAVING = 1000 if FULL else 300
STAYING = LEAVING // 2  # the more readers, the longer is the run in which the others leave
Log = Callable[[str], None]

# Commit times of the database: when the reader had left, and of the last gate that opened for them.
_TIMES = """
    select s.email, max(pg_xact_commit_timestamp(l.xact::xid)), max(pg_xact_commit_timestamp(g.xact::xid))
      from crash_history l
      join newsletter_subscriber s on s.id = l.row
      left join newsletter_delivery d on d.subscriber_id = s.id
      left join crash_history g on g.kind = 'delivery' and g.row = d.id and g.became = 'handoff'
     where l.kind = 'reader' and l.became = 'unsubscribed'
     group by s.email
"""


def test_no_gate_opens_for_readers_who_have_left(worlds: Worlds, kill_log: Log) -> None:
    world = worlds()
    world.add_readers(LEAVING + STAYING)
    senders = [world.send() for _ in range(2)]
    wait_until(lambda: world.arrived() > 0, 20, "the first mail")
    answered = world.folder / "answered.jsonl"
    # Mixes go out one after the other, so these meet readers before, at and after their mail.
    leavers = [
        world.start("tests.crash.seeding:leave", str(part * LEAVING // 2), str(LEAVING // 2), str(answered))
        for part in range(2)
    ]
    for child in [*leavers, *senders]:
        assert child.wait(120) == 0, child.said()[-3000:]
    world.finish()

    times = {reader: (left, gated) for reader, left, gated in world.rows(_TIMES)}
    pages = {
        reader: datetime.fromtimestamp(at, UTC)
        for reader, at in map(json.loads, answered.read_text().splitlines())
    }
    assert len(pages) == len(times) == LEAVING
    late = [reader for reader, (left, gated) in times.items() if gated and gated > left]
    assert late == [], "a gate was committed after the reader had left"
    later = [reader for reader, (_, gated) in times.items() if gated and gated > pages[reader]]
    assert later == [], "a gate was committed after the page had said goodbye"
    spared = {reader for reader, (_, gated) in times.items() if gated is None}
    assert not spared & {mail.reader for mail in world.mails()}, "mailed without a gate"
    verdict = world.verdict(doubt_at_most=0, owed=planned(world))
    kill_log(f"{LEAVING} left during the send, {LEAVING - len(spared)} of them after their mail\n{verdict}")
    assert verdict.holds, verdict
    assert 0 < len(spared) < LEAVING, "nobody left in time, or everybody: the race was not tried"


def planned(world: World) -> int:
    """All readers: those who left before their row was written are owed none, and have none."""
    gone = """select count(*) from newsletter_subscriber s where state = 'unsubscribed'
              and not exists (select from newsletter_delivery where subscriber_id = s.id)"""
    return world.readers - int(world.one(gone))
