"""What an exception of Django's mail API proves about the mail."""

from smtplib import SMTPHeloError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from anymail.exceptions import AnymailError
from django.utils import timezone

from newsletter.transport.http_verdicts import http_verdict
from newsletter.transport.outcomes import NoAnswer, Refused


def verdict(error: Exception) -> Refused | NoAnswer:
    """Tell what an exception proves: refused for now, refused for good, or nothing."""
    if isinstance(error, AnymailError):
        return http_verdict(error, left=True, now=timezone.now())
    code = _status(error)
    reason = f"{type(error).__name__} {code or ''}".strip()
    if isinstance(error, SMTPSenderRefused | SMTPHeloError):
        # About us and not about this reader: "log in first" must not cost every reader the mail.
        # 421 ends this connection ("enough mails on it"); whether the server takes another is seen next.
        return Refused(temporary=True, reason=reason, to_all=code != 421) if code else NoAnswer(reason)
    if code:
        return Refused(temporary=code < 500, reason=reason)
    return NoAnswer(reason)


def _status(error: Exception) -> int | None:
    if isinstance(error, SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=None)
    if isinstance(error, SMTPResponseException):
        # smtplib says -1 where the connection broke instead of an answer.
        return error.smtp_code if error.smtp_code > 0 else None
    return None
