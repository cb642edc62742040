"""Whether the time of an answer tells who subscribes: every kind of address side by side, at every door.

Each address is asked about once, in an order drawn anew for every round: what slows the machine for a while
slows all kinds alike. `new` is asked twice over, as two kinds: what lies between those two is noise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median, quantiles
from time import perf_counter

from django.core.signing import Signer
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from benchmarks.comparison import same
from newsletter.mixes import mix_for
from newsletter.models import OutboxMail, Subscriber
from newsletter.suppression import suppress

DOORS = ("/subscribe/", "/preferences/")
WARM_UP = 20  # requests that are not counted
MAILS_A_DAY = 3


@dataclass(frozen=True, slots=True)
class Door:
    """The milliseconds of every answer at one door, by kind of address."""

    path: str
    times: Mapping[str, Sequence[float]]

    @property
    def apart(self) -> float:
        """How far the medians lie apart, in milliseconds."""
        medians = [median(times) for times in self.times.values()]
        return max(medians) - min(medians)

    def __str__(self) -> str:
        number = len(next(iter(self.times.values())))
        usual = median(self.times["new"])
        lines = [
            f"POST {self.path}: {number} addresses of each kind, medians at most {self.apart:.2f} ms apart"
        ]
        for kind, times in self.times.items():
            low, _, high = quantiles(times, n=4)
            middle = median(times)
            lines.append(
                f"  {kind:24} {middle:6.2f} ms, {middle - usual:+5.2f}, × {middle / usual:.2f}"
                f"   (half of them {low:.2f} to {high:.2f})"
            )
        return "\n".join(lines)


def measure(number: int, *, seed: int = 6) -> list[Door]:
    """Ask about `number` addresses of each kind at each door; raises Different where answers differ."""
    kinds = _kinds()
    found = []
    pages = {
        "STORAGES": {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        # Each request counts as the first of its network.
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
    }
    with override_settings(**pages):
        for path in DOORS:
            place = path.strip("/")
            for kind, prepare in kinds.items():
                prepare([_address(kind, place, round_) for round_ in range(number)])
            found.append(_ask(path, list(kinds), number, Random(seed)))
    return found


def _ask(path: str, kinds: list[str], number: int, random: Random) -> Door:
    client = Client(HTTP_HOST="papers.example.org")
    for round_ in range(WARM_UP):
        _post(client, path, _address("warm", path.strip("/"), round_))
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers = set()
    for round_ in range(number):
        for kind in random.sample(kinds, len(kinds)):
            spent, answer = _post(client, path, _address(kind, path.strip("/"), round_))
            times[kind].append(spent)
            answers.add(answer)
    same(f"answers at {path}", (1, {200}), (len(answers), {status for status, _ in answers}))
    return Door(path, times)


def _post(client: Client, path: str, address: str) -> tuple[float, tuple[int, bytes]]:
    """The milliseconds that the answer took, and the answer."""
    opened = Signer(salt="subscribe form").sign(f"{timezone.now().timestamp() - 30:.2f}")
    fields = {"email": address, "rendered": opened, "website": ""}
    began = perf_counter()
    answer = client.post(path, fields, secure=True)
    return 1000 * (perf_counter() - began), (answer.status_code, answer.content)


def _address(kind: str, door: str, number: int) -> str:
    # Of equal length, so that nothing but the kind makes a difference.
    name = "".join(letter for letter in kind if letter.isalnum())
    return f"{name:x<24}{door[:4]}{number:05}@example.org"


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
