"""A thousand readers leave while their mails go out: no gate opens for anybody after their leaving committed."""

from collections.abc import Callable

from tests.crash.conftest import FULL, Worlds
from tests.crash.world import World, wait_until

LEAVING = 1000 if FULL else 300
SENDERS = 2
Log = Callable[[str], None]

# Commit times of the database: when the reader had left, and when a gate for them was committed.
_GATES = """
    select s.email, pg_xact_commit_timestamp(l.xact::xid), pg_xact_commit_timestamp(g.xact::xid)
      from crash_history l
      join newsletter_subscriber s on s.id = l.row
      join newsletter_delivery d on d.subscriber_id = s.id
      left join crash_history g on g.kind = 'delivery' and g.row = d.id and g.became = 'handoff'
     where l.kind = 'reader' and l.became = 'unsubscribed'
"""


def test_no_gate_opens_after_a_reader_has_left(worlds: Worlds, kill_log: Log) -> None:
    world = worlds()
    world.add_readers(LEAVING)
    pages = world.folder / "answered.jsonl"
    pages.touch()
    senders = [world.send() for _ in range(SENDERS)]
    wait_until(lambda: world.arrived(), 20, "the first mail")
    # Both ends of the list at once, so that they meet the senders somewhere.
    leavers = [leave(world, part) for part in range(2)]
    for child in [*leavers, *senders]:
        assert child.wait(120) == 0, child.said()[-3000:]
    world.finish()
    ...
