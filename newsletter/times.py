"""When somebody wants mail: as a value, and in words for pages and mails in the language of the moment."""

from dataclasses import dataclass

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from newsletter.models import OutboxMail, Subscriber
from newsletter.weekdays import EVERY_DAY, numbers

WORKING_DAYS = 0b0011111


@dataclass(frozen=True, slots=True)
class Times:
    """`hour` is local, 0 to 23; None: as soon as the edition is out. `weekdays`: 1 Monday … 64 Sunday, added
    up; a single one means weekly."""

    timezone: str
    hour: int | None = None
    weekdays: int = EVERY_DAY

    @property
    def weekly(self) -> bool:
        return self.weekdays.bit_count() == 1


def times_of(reader: Subscriber) -> Times:
    return Times(reader.timezone, reader.hour, reader.weekdays)


def times_after(mail: OutboxMail, reader: Subscriber) -> Times:
    """When mail would come once this was confirmed: as was wished, else as the reader has it."""
    if mail.timezone:
        return Times(mail.timezone, mail.hour, mail.weekdays)
    return times_of(reader)


def in_words(times: Times) -> str:
    """ "Every day, as soon as the edition is out" or "Every Friday at 07:00 (Europe/Berlin)"."""
    days = numbers(times.weekdays)
    words = {
        "day": str(WEEKDAYS[days[0]]),
        "days": ", ".join(str(WEEKDAYS_ABBR[day]) for day in days),
        "time": f"{times.hour or 0:02}:00",
        "zone": times.timezone.replace("_", " "),
    }
    early = times.hour is None
    if times.weekdays == EVERY_DAY:
        text = (
            _("Every day, as soon as the edition is out") if early else _("Every day at %(time)s (%(zone)s)")
        )
    elif times.weekly:
        text = (
            _("Every %(day)s, as soon as the edition is out")
            if early
            else _("Every %(day)s at %(time)s (%(zone)s)")
        )
    elif times.weekdays == WORKING_DAYS:
        text = (
            _("Monday to Friday, as soon as the edition is out")
            if early
            else _("Monday to Friday at %(time)s (%(zone)s)")
        )
    else:
        text = _("%(days)s, as soon as the edition is out") if early else _("%(days)s at %(time)s (%(zone)s)")
    return text % words
