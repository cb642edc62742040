"""What each answer of a mail server, or its silence, proves about one mail. Pure.

A mail is taken when the server says so after the final dot (RFC 5321, 4.1.1.4). Before that dot has left
us, no mail can have been taken, whatever happens; after it, only the server's answer tells.
"""

import re
from enum import StrEnum

from newsletter.transport.outcomes import NoAnswer, Outcome, Refused

CLOSING = 421  # "I am ending this connection", in answer to anything
# The login or the encryption is missing, or (454, as Amazon says it) we are too fast: all mails get that.
ABOUT_US = (454, 530, 534, 535, 538)
# The server did not understand us: nothing that a reader's address could be to blame for.
MISUNDERSTOOD = (500, 502, 503)
LONGEST_REASON = 300
_ADDRESS = re.compile(r"[^\s<>\"']+@[^\s<>\"']+")


class Step(StrEnum):
    """What an answer answers, in the order in which a mail is handed over."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "the final dot"


def wanted(step: Step, code: int) -> bool:
    """Tell whether this answer lets the mail go on, or for the final dot: whether it was taken."""
    return code // 100 == (3 if step is Step.DATA else 2)


def refusal(step: Step, code: int, text: str) -> Refused:
    """Tell what a 4xx or 5xx means for this mail. Reasons come into logs, so no address stands in one."""
    reason = f"{step} was answered {code} {_ADDRESS.sub('(address)', text)}".strip()[:LONGEST_REASON]
    if code == CLOSING:
        # "Enough mails on this connection": whether the server takes another is seen next.
        return Refused(temporary=True, reason=reason)
    if step is Step.MAIL or code in ABOUT_US:
        # About us and not about this reader: "log in first" must not cost every reader the mail.
        return Refused(temporary=True, reason=reason, to_all=True)
    return Refused(temporary=code < 500 or code in MISUNDERSTOOD, reason=reason)


def unanswered(why: str, *, dot_left: bool) -> Outcome:
    """Tell what it means that no sensible answer came; `dot_left`: the final dot may be on its way."""
    if dot_left:
        return NoAnswer(f"{why} after the whole mail had left"[:LONGEST_REASON])
    return Refused(temporary=True, reason=f"{why} before the whole mail had left"[:LONGEST_REASON])


def is_refusal(code: int) -> bool:
    return 400 <= code <= 599
