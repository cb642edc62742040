"""What an exception of Django's mail API proves about the mail."""

from smtplib import SMTPHeloError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

from anymail.exceptions import AnymailAPIError, AnymailInvalidAddress, AnymailRecipientsRefused

from newsletter.transport.outcomes import NoAnswer, Refused

# What providers answer where the mail itself is at fault, by HTTP status.
ABOUT_THIS_MAIL = (400, 406, 413, 422)


def verdict(error: Exception) -> Refused | NoAnswer:
    """Tell what an exception proves: refused for now, refused for good, or nothing."""
    code = _status(error)
    reason = f"{type(error).__name__} {code or ''}".strip()
    if isinstance(error, AnymailRecipientsRefused | AnymailInvalidAddress):
        return Refused(temporary=False, reason=reason)
    if isinstance(error, AnymailAPIError):
        # A 5xx of an API may come after the mail was taken.
        if not code or not 400 <= code < 500:
            return NoAnswer(reason)
        # The others (a wrong key, no credit, too fast) would refuse every reader's mail.
        own_fault = code in ABOUT_THIS_MAIL
        return Refused(temporary=not own_fault, reason=reason, to_all=not own_fault)
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
    return getattr(error, "status_code", None)
