"""How much memory a sender takes for a list of some length: `manage.py send_edition`, as operators run it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import DEVNULL, Popen
from time import perf_counter

from benchmarks import data, ledger
from benchmarks.comparison import same
from benchmarks.counting import ROOT
from benchmarks.planning import make_readers
from benchmarks.sending import sink
from newsletter.models import Delivery, Edition, Subscriber, TopicMix

# What getrusage tells, in bytes: kilobytes on Linux, bytes on macOS.
_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Run:
    """One sender's whole run. `peak` in bytes, `seconds` with its start and the planning."""

    readers: int
    peak: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"  {self.readers:9,} mails: at most {self.peak / 1e6:4.0f} MB"
            f" ({self.readers / self.seconds:,.0f} mails a second)"
        )


def measure(edition: Edition, mixes: Sequence[TopicMix], *, size: int) -> Run:
    """Send the edition to `size` new readers. Raises Different where somebody got no mail, or two."""
    ledger.start_again(edition)
    Subscriber.objects.all().delete()
    make_readers(size, [mix.pk for mix in mixes], own_hours=False)
    with sink() as server:
        began = perf_counter()
        peak = _peak_of_a_sender(server.port)
        seconds = perf_counter() - began
        tally = server.tally()
    same("mails and readers that got one", (size, size), (tally.messages, tally.recipients))
    accepted = Delivery.objects.filter(edition=edition, state=Delivery.State.ACCEPTED).count()
    same("accepted in the ledger", size, accepted)
    return Run(size, peak, seconds)


def _peak_of_a_sender(port: int) -> int:
    """Run one to its end; the most memory that it had at once, the libraries among it, in bytes.

    It is never told too low: where this process had more when it started the sender, Linux says that.
    """
    environment = os.environ | {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    command = [sys.executable, str(ROOT / "manage.py"), "send_edition", "--date", data.DAY.isoformat()]
    process = Popen(command, env=environment, cwd=ROOT, stdout=DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
    same("how the sender ended", 0, process.returncode)
    return usage.ru_maxrss * _UNIT
