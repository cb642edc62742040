"""Many readers of one print in one call of a provider's API, each with their own links.

The mail travels once, with holes where a reader's links stand, in the provider's own template language. The
readers travel as a list, each with what fills their holes, their delivery's id and their List-Unsubscribe
header. The provider makes one mail for each and shows nobody the list.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives

from newsletter.failpoints import failpoint
from newsletter.mail import Print
from newsletter.transport.carrier import Letter
from newsletter.transport.http_verdicts import by_address, of_recipient
from newsletter.transport.line import Line
from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused
from newsletter.transport.providers import Batch, provider_of

# So many mails alone refused for good, and none ever taken: the fault is in all of them, so it is ours.
REFUSED_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Personal:
    """What one reader's mail has of its own, and what it shares with the others of its print."""

    template: EmailMultiAlternatives
    address: str
    links: Mapping[str, str]  # hole -> token
    unsubscribe: str  # the List-Unsubscribe header

    @property
    def key(self) -> str:
        return self.address.casefold()


class BatchMessage(EmailMultiAlternatives):
    """What Anymail reads of a message to many."""

    merge_data: dict[str, dict[str, str]]
    merge_metadata: dict[str, dict[str, str]]
    merge_headers: dict[str, dict[str, str]]
    esp_extra: dict[str, Any]
    anymail_status: Any = None


class BatchCarrier:
    """A Carrier that gives all letters of one print to one API call. One call is under way at a time.

    A call that is refused because of one reader (providers do not always say which) is asked again in halves:
    nothing of it was taken. That ends where another call might outlast the letters' lease.
    """

    def __init__(self) -> None:
        provider = provider_of(settings.EMAIL_BACKEND)
        if provider is None or provider.batch is None:
            raise ImproperlyConfigured(f"{settings.EMAIL_BACKEND} takes one reader a call")
        self._batch: Batch = provider.batch
        self._line = Line(self._batch.payload)
        self._waiting: deque[list[Letter]] = deque()
        self._until = 0.0  # no call begins after this moment of the monotonic clock
        self._printed: Print | None = None
        self._merged: EmailMultiAlternatives | None = None
        self._taken_ever = False
        self._refused_alone = 0

    @property
    def at_once(self) -> int:
        """Letters worth claiming together."""
        return self._batch.limit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()

    def prepare(self, letter: Letter) -> None:
        printed, reader = letter.printed, letter.reader
        links = printed.merge_data(reader)
        letter.content = Personal(
            self._template(printed), reader.email, links, printed.unsubscribe_header(reader)
        )

    def room(self, letters: Sequence[Letter]) -> int:
        """The first letters of one print and of different addresses, as many as a call takes."""
        if self._waiting or not letters:
            return 0
        self._line.open()
        seen: set[str] = set()
        for letter in letters[: self._batch.limit]:
            if letter.printed is not letters[0].printed or letter.content.key in seen:
                break
            seen.add(letter.content.key)
        return len(seen)

    def carry(self, letters: Sequence[Letter]) -> None:
        if letters:
            self._waiting.append(list(letters))
            self._until = monotonic() + settings.NEWSLETTER_LEASE_SECONDS

    def answers(self) -> list[tuple[Letter, Outcome]]:
        while self._waiting:
            letters = self._waiting.popleft()
            if known := self._call(letters):
                return known
        return []

    def _call(self, letters: list[Letter]) -> list[tuple[Letter, Outcome]]:
        """One call. Empty where it was refused as a whole and its halves wait to be asked."""
        if monotonic() > self._until:
            late = Refused(temporary=True, reason="the provider refused the call, and there was no time left")
            return [(letter, late) for letter in letters]
        message = self._message(letters)
        self._line.open()
        failpoint("before-call")
        failed = self._line.send(message)
        failpoint("after-call")
        status = message.anymail_status
        if status is not None and (told := by_address(status.recipients)):
            trusted = self._is_trusted(status.esp_response, len(letters))
            return [(letter, self._outcome(told.get(letter.content.key), trusted)) for letter in letters]
        if failed is None:
            failed = NoAnswer("the provider did not say what became of these mails")
        if not isinstance(failed, Refused) or failed.temporary:
            return [(letter, failed) for letter in self._with_waiting(letters, failed)]
        return self._refused_for_good(letters, failed)

    def _with_waiting(self, letters: list[Letter], failed: Refused | NoAnswer) -> list[Letter]:
        """These letters; with all that wait for a call of their own, where that would be refused too."""
        if not (isinstance(failed, Refused) and failed.to_all):
            return letters
        waiting = [letter for rest in self._waiting for letter in rest]
        self._waiting.clear()
        return [*letters, *waiting]

    def _refused_for_good(self, letters: list[Letter], failed: Refused) -> list[tuple[Letter, Outcome]]:
        if len(letters) > 1:
            half = len(letters) // 2
            self._waiting.extendleft((letters[half:], letters[:half]))
            return []
        self._refused_alone += 1
        if self._refused_alone >= REFUSED_IN_A_ROW and not self._taken_ever:
            failed = replace(failed, temporary=True, to_all=True)
        return [(letter, failed) for letter in self._with_waiting(letters, failed)]

    def _outcome(self, status: Any, trusted: bool) -> Outcome:
        if not trusted and not (self._batch.counted_in and status and status.message_id):
            return NoAnswer("the provider's answer does not say what became of every mail")
        outcome = of_recipient(status)
        self._taken_ever = self._taken_ever or isinstance(outcome, Accepted)
        return outcome

    def _is_trusted(self, response: Any, number: int) -> bool:
        """Whether the answer is one to this call, where Anymail does not look for itself.

        It takes whom Mailjet leaves out for refused, and any 2xx of SendGrid for taken.
        """
        if self._batch.counted_in:
            listed = response.json().get(self._batch.counted_in)
            return isinstance(listed, list) and len(listed) == number
        return self._batch.taken_with in (0, response.status_code)

    def _message(self, letters: Sequence[Letter]) -> BatchMessage:
        merged = letters[0].content.template
        people = [(letter, letter.content) for letter in letters]
        headers = dict(merged.extra_headers)
        common = headers if self._batch.own_headers_replace else {}
        message = BatchMessage(
            merged.subject,
            merged.body,
            settings.DEFAULT_FROM_EMAIL,
            [person.address for _, person in people],
            headers=headers,
        )
        for content, kind in merged.alternatives:
            message.attach_alternative(str(content), str(kind))
        # Dicts of their own: Anymail writes into some of them.
        message.merge_data = {person.address: dict(person.links) for _, person in people}
        message.merge_metadata = {
            person.address: {"delivery_id": letter.public_id} for letter, person in people
        }
        message.merge_headers = {
            person.address: {**common, "List-Unsubscribe": person.unsubscribe} for _, person in people
        }
        if self._batch.extra:
            message.esp_extra = dict(self._batch.extra)
        return message

    def _template(self, printed: Print) -> EmailMultiAlternatives:
        """The print with the provider's holes. Kept for the next letter: they come print by print."""
        if self._merged is None or self._printed is not printed:
            self._printed, self._merged = printed, printed.merged(self._batch.hole.format)
        return self._merged
