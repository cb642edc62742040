"""The SMTP carrier alone: letters that are built already, to a mail server that only counts. No database."""

import resource
from collections import deque
from time import perf_counter

from django.test import override_settings

from benchmarks.sending import sink
from newsletter.transport.carrier import Letter
from newsletter.transport.outcomes import Accepted
from newsletter.transport.smtp import SmtpCarrier, stuffed
from newsletter.transport.smtp_line import Enveloped


def measure(number: int, *, size: int = 33_000, lines: int = 10) -> str:
    """Hand over `number` letters of `size` bytes over `lines` connections; returns a sentence of figures."""
    body = stuffed(b"Subject: wire\r\n\r\n" + (b"0123456789 abcdef " * 4 + b"\r\n") * (size // 74))
    waiting = deque(_letter(place, body) for place in range(number))
    with sink() as server, override_settings(NEWSLETTER_SMTP_CONNECTIONS=lines), SmtpCarrier() as way:
        while way.room(list(waiting)[:lines]) < lines:
            pass
        cpu, start = _cpu(), perf_counter()
        taken = 0
        while taken < number:
            ready = [waiting[place] for place in range(min(lines, len(waiting)))]
            if ready and (room := way.room(ready)):
                way.carry([waiting.popleft() for _ in range(room)])
            taken += sum(outcome == Accepted() for _, outcome in way.answers())
        seconds, cpu = perf_counter() - start, _cpu() - cpu
        tally = server.tally()
    if (tally.messages, tally.recipients) != (number, number):
        raise AssertionError(f"of {number} letters {tally.messages} came to {tally.recipients} readers")
    return (
        f"{number:,} letters of {len(body) / 1000:.0f} KB over {lines} connections: {number / seconds:,.0f}"
        f" a second, {cpu / number * 1e6:.0f} µs of processor time each"
    )


def _letter(place: int, body: bytes) -> Letter:
    made = Letter(key=place, public_id="", printed=None, reader=None)  # type: ignore[arg-type]
    made.content = Enveloped(b"RCPT TO:<reader%d@example.org>\r\n" % place, body)
    return made


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
