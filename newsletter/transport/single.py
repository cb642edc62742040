"""One mail after the other over one kept connection of Django's mail API."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from newsletter.failpoints import failpoint
from newsletter.mail import DigestMessage
from newsletter.mail.merging import Neutral
from newsletter.transport.carrier import Letter
from newsletter.transport.http_verdicts import by_address, of_recipient
from newsletter.transport.line import Line
from newsletter.transport.outcomes import Accepted, Outcome
from newsletter.transport.providers import Provider, provider_of

_NEUTRAL = Neutral(())


class SingleCarrier:
    """A Carrier over any backend of Django's mail API: one letter under way, handed over within `carry`."""

    at_once = 50  # letters worth claiming together

    def __init__(self) -> None:
        self._line = Line()
        self._provider = provider_of(settings.EMAIL_BACKEND)
        self._known: list[tuple[Letter, Outcome]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()

    def prepare(self, letter: Letter) -> None:
        message = letter.printed.message(letter.reader, public_id=letter.public_id, now=timezone.now())
        if self._provider is not None:
            fit(message, self._provider)
        letter.content = message

    def room(self, letters: Sequence[Letter]) -> int:
        if self._known or not letters:
            return 0
        self._line.open()
        return 1

    def carry(self, letters: Sequence[Letter]) -> None:
        for letter in letters:
            failpoint("before-call")
            outcome = hand_over(self._line, letter.content)
            failpoint("after-call")
            self._known.append((letter, outcome))

    def answers(self) -> list[tuple[Letter, Outcome]]:
        known, self._known = self._known, []
        return known


def hand_over(line: Line, message: EmailMessage) -> Outcome:
    """Send a message to one reader and say what the answer proves. Raises nothing for what others do."""
    failed = line.send(message)
    if failed is not None:
        return failed
    status = getattr(message, "anymail_status", None)
    if status is None:
        return Accepted()
    return of_recipient(by_address(status.recipients).get(message.to[0].casefold()))


def fit(message: DigestMessage, provider: Provider) -> None:
    """Take out of a message what its provider cannot take, or would read as its own template language."""
    if not provider.metadata:
        # Anymail refuses to build a mail with metadata for it.
        del message.metadata
    if provider.reads:
        message.subject = _NEUTRAL.text(str(message.subject))
        message.body = _NEUTRAL.text(str(message.body))
        parts = [(_NEUTRAL.html(str(content)), str(kind)) for content, kind in message.alternatives]
        message.alternatives = []
        for content, kind in parts:
            message.attach_alternative(content, kind)
