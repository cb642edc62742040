"""Whether the time of an answer tells who subscribes: every kind of address side by side, at every door.

Each address is asked about once, in an order drawn anew for every round: what slows the machine for a while
slows all kinds alike. `new` is asked twice over, as two kinds: what lies between those two is noise.
Measured twice: the work alone, and as answered, on even steps of time (newsletter/people/evenly.py), which
hide it. Visitors who wait for their step come a few at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from statistics import median, quantiles
from threading import Barrier
from time import perf_counter

from django.core.signing import Signer
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from benchmarks.comparison import same
from newsletter.mixes import mix_for
from newsletter.models import OutboxMail, Subscriber
from newsletter.suppression import suppress

DOORS = ("/subscribe/", "/preferences/")
WARM_UP = 20  # requests that are not counted
CROWD = 4  # visitors at once, where each waits for the step
HOST = "papers.example.org"
SETTINGS = {
    "STORAGES": {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
    # Each request counts as the first of its network.
    "ALLOWED_HOSTS": [HOST],
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
}
MAILS_A_DAY = 3


@dataclass(frozen=True, slots=True)
class Door:
    """The milliseconds of every answer at one door, by kind of address."""

    path: str
    step: float  # seconds; 0 is the work alone
    times: Mapping[str, Sequence[float]]

    @property
    def apart(self) -> float:
        """How far the medians lie apart, in milliseconds."""
        medians = [median(times) for times in self.times.values()]
        return max(medians) - min(medians)

    def __str__(self) -> str:
        number = len(next(iter(self.times.values())))
        usual = median(self.times["new"])
        how = f"answered on steps of {1000 * self.step:.0f} ms" if self.step else "the work alone"
        lines = [
            f"POST {self.path}, {how}: {number} addresses of each kind,"
            f" medians at most {self.apart:.2f} ms apart"
        ]
        for kind, times in self.times.items():
            low, _, high = quantiles(times, n=4)
            middle = median(times)
            lines.append(
                f"  {kind:24} {middle:6.2f} ms, {middle - usual:+5.2f}, × {middle / usual:.2f}"
                f"   (half of them {low:.2f} to {high:.2f})"
            )
        return "\n".join(lines)


def measure(number: int, *, steps: Sequence[float] = (0.0, 0.1), seed: int = 6) -> Iterator[Door]:
    """Ask about `number` addresses of each kind at each door; raises Different where answers differ."""
    kinds = _kinds()
    for path in DOORS:
        for step in steps:
            where = f"{path.strip('/')[:4]}{1000 * step:03.0f}"
            for kind, prepare in kinds.items():
                prepare([_address(kind, where, round_) for round_ in range(number)])
            asked = _Asked(path, where)
            with override_settings(**SETTINGS, ANSWER_STEP_SECONDS=step):
                asked.ask_all(list(kinds), number, Random(seed), crowd=CROWD if step else 1)
            yield Door(path, step, asked.times)


class _Asked:
    """The times of the answers at one door, as they come in."""

    def __init__(self, path: str, where: str) -> None:
        self.path, self.where = path, where
        self.times: dict[str, list[float]] = {}

    def ask_all(self, kinds: list[str], number: int, random: Random, *, crowd: int) -> None:
        self.times = {kind: [] for kind in kinds}
        rounds = [(kind, turn) for turn in range(number) for kind in random.sample(kinds, len(kinds))]
        with ThreadPoolExecutor(crowd, initializer=self._warm_up) as visitors:
            answers = set(visitors.map(self._ask, rounds))
            # Each thread has a connection of its own; as many of them as there are close theirs.
            meet = Barrier(crowd)
            list(visitors.map(_leave, [meet] * crowd))
        same(f"answers at {self.path}", (1, {200}), (len(answers), {status for status, _ in answers}))

    def _warm_up(self) -> None:
        for turn in range(WARM_UP):
            _post(self.path, _address("warm", self.where, turn))

    def _ask(self, about: tuple[str, int]) -> tuple[int, bytes]:
        kind, turn = about
        spent, answer = _post(self.path, _address(kind, self.where, turn))
        self.times[kind].append(spent)
        return answer


def _leave(meet: Barrier) -> None:
    meet.wait()
    connection.close()


def _post(path: str, address: str) -> tuple[float, tuple[int, bytes]]:
    """The milliseconds that the answer took, and the answer."""
    opened = Signer(salt="subscribe form").sign(f"{timezone.now().timestamp() - 30:.2f}")
    fields = {"email": address, "rendered": opened, "website": ""}
    client = Client(HTTP_HOST=HOST)
    began = perf_counter()
    answer = client.post(path, fields, secure=True)
    return 1000 * (perf_counter() - began), (answer.status_code, answer.content)


def _address(kind: str, where: str, number: int) -> str:
    # Of equal length, so that nothing but the kind makes a difference.
    name = "".join(letter for letter in kind if letter.isalnum())
    return f"{name:x<24}{where}{number:05}@example.org"


def _kinds() -> dict[str, Callable[[Sequence[str]], None]]:
    """Kind of address -> what makes addresses be of that kind."""

    def nothing(addresses: Sequence[str]) -> None:
        return None

    def readers(state: str) -> Callable[[Sequence[str]], None]:
        return lambda addresses: _make(addresses, state)

    def listed(addresses: Sequence[str]) -> None:
        for address in addresses:
            suppress(address, "complained")

    def mailed(addresses: Sequence[str]) -> None:
        _make(addresses, Subscriber.State.ACTIVE)
        OutboxMail.objects.bulk_create(
            OutboxMail(subscriber=reader, kind="confirm", mix=reader.mix, state="accepted")
            for reader in Subscriber.objects.filter(email__in=addresses)
            for _ in range(MAILS_A_DAY)
        )

    return {
        "new": nothing,
        "new, once more": nothing,
        "asked, not confirmed": readers(Subscriber.State.PENDING),
        "reader": readers(Subscriber.State.ACTIVE),
        "left": readers(Subscriber.State.UNSUBSCRIBED),
        "bounced": readers(Subscriber.State.SUPPRESSED),
        "on the suppression list": listed,
        "got three mails today": mailed,
    }


def _make(addresses: Sequence[str], state: str) -> None:
    now = timezone.now()
    confirmed = now if state == Subscriber.State.ACTIVE else None
    mix = mix_for({})
    Subscriber.objects.bulk_create(
        Subscriber(
            email=address,
            email_key=address,
            state=state,
            mix=mix,
            confirmed_at=confirmed,
            active_from=confirmed,
        )
        for address in addresses
    )
