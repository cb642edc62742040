"""Tells the ADMINS something, once it is committed. A mail that cannot be sent costs only itself."""

import logging
from functools import partial

from django.core.mail import mail_admins
from django.db import transaction

logger = logging.getLogger(__name__)


def tell_admins(subject: str, body: str) -> None:
    """Log the subject as a warning and mail both to the ADMINS, when the open transaction commits."""
    transaction.on_commit(partial(_tell, subject, body), robust=True)


def _tell(subject: str, body: str) -> None:
    logger.warning("%s: %s", subject, body.partition("\n")[0].rstrip("."))
    try:
        mail_admins(subject, body, fail_silently=True)
    except Exception:
        logger.warning("This could not be mailed to the ADMINS: %s", subject, exc_info=True)
