"""What a provider's answer over HTTP, or the lack of one, proves about a mail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from anymail.exceptions import AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from requests.exceptions import ConnectTimeout, Timeout, TooManyRedirects
from urllib3.exceptions import NewConnectionError

from newsletter.transport.outcomes import Accepted, NoAnswer, Outcome, Refused

# What providers answer where the mail itself is at fault, by HTTP status.
ABOUT_THIS_MAIL = (400, 406, 413, 422)
# Amazon answers 400 for much that is about the account too.
AMAZON_ABOUT_THIS_MAIL = ("MessageRejected", "BadRequestException")
AMAZON_NOT_CONNECTED = ("EndpointConnectionError", "ConnectTimeoutError", "NoCredentialsError")
# "Not here": nothing was taken. 302 and 303 may follow something that was done.
ELSEWHERE = (301, 307, 308)
LONGEST_WAIT = 86_400.0  # seconds


def http_verdict(error: Exception, *, left: bool, now: datetime) -> Refused | NoAnswer:
    """Tell what a failed call proves. `left` is False where the request certainly never left in whole."""
    code = _code(error)
    if code is not None:
        return _answered(error, code, now)
    if isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress):
        return Refused(temporary=False, reason="the provider does not take this address")
    if not left or _never_connected(error):
        return Refused(temporary=True, reason=_not_asked(error), to_all=True)
    if isinstance(error, Timeout | TimeoutError):
        return NoAnswer("the provider did not answer in time")
    if isinstance(error, AnymailError):
        return NoAnswer(f"the connection to the provider broke before its answer: {_name(error)}")
    return NoAnswer(f"the provider's answer cannot be understood: {_name(error)}")


def of_recipient(status: Any) -> Outcome:
    """What Anymail's status of one recipient says: an AnymailRecipientStatus, or None where it has none."""
    word = getattr(status, "status", None)
    if word in ("sent", "queued"):
        return Accepted(status.message_id)
    if word in ("invalid", "rejected"):
        return Refused(temporary=False, reason=f"the provider says: {word}")
    if word == "failed":
        return Refused(temporary=True, reason="the provider says: failed")
    return NoAnswer("the provider did not say what became of this mail")


def by_address(recipients: Mapping[str, Any]) -> dict[str, Any]:
    """Anymail's statuses by case-folded address: providers differ in how they write an address back."""
    return {address.casefold(): status for address, status in recipients.items()}


def _answered(error: Exception, code: int, now: datetime) -> Refused | NoAnswer:
    if code in ELSEWHERE:
        return Refused(temporary=True, reason=f"the provider's API is elsewhere ({code})", to_all=True)
    # A 5xx may come after the mail was taken, and a 2xx that nobody understands probably does.
    if not 400 <= code < 500:
        return NoAnswer(f"the provider answered {code}, which does not say what became of this mail")
    if code in ABOUT_THIS_MAIL and not _is_about_the_account(error):
        return Refused(temporary=False, reason=f"the provider refused this mail ({code})")
    # The others (a wrong key, no credit, too fast) would refuse every reader's mail.
    return Refused(
        temporary=True,
        reason=f"the provider answered {code}",
        to_all=True,
        retry_after=_retry_after(error, now),
    )


def _code(error: Exception) -> int | None:
    """The HTTP status that came back, if one did."""
    if isinstance(error.__cause__, TooManyRedirects) and error.__cause__.response is not None:
        return int(error.__cause__.response.status_code)
    code = getattr(error, "status_code", None)
    response = getattr(error, "response", None)
    if code is None and isinstance(response, Mapping):  # Amazon's
        code = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code if isinstance(code, int) else None


def _is_about_the_account(error: Exception) -> bool:
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return False
    return response.get("Error", {}).get("Code") not in AMAZON_ABOUT_THIS_MAIL


def _retry_after(error: Exception, now: datetime) -> float | None:
    """Seconds from the Retry-After header, which holds seconds or a date; None without a sensible one."""
    value = str(getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")).strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), LONGEST_WAIT)


def _never_connected(error: Exception) -> bool:
    if isinstance(error, ConnectTimeout) or type(error.__cause__).__name__ in AMAZON_NOT_CONNECTED:
        return True
    reasons = (getattr(argument, "reason", None) for argument in getattr(error.__cause__, "args", ()))
    return any(isinstance(reason, NewConnectionError) for reason in reasons)


def _not_asked(error: Exception) -> str:
    if error.__cause__ is None:
        return f"the mail cannot be built for this provider: {_name(error)}"
    return f"the provider cannot be reached: {_name(error)}"


def _name(error: Exception) -> str:
    """The exception's kind; its text may quote addresses and keys."""
    return type(error.__cause__ or error).__name__
