"""Sends the mails that somebody asked for (confirm, links), and word of a move, ahead of digests.

A mail is marked `handoff`, and that is committed, before its first byte leaves. What ends without an answer
is `in_doubt` and never sent again by itself: the reader can ask for another.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic, sleep

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.text import wrap

from newsletter import times
from newsletter.delivery import rate
from newsletter.models import OutboxMail, Subscriber, TopicMix
from newsletter.suppression import suppressed
from newsletter.tokens import link_token, new_one_off, one_off_hash
from newsletter.transport.line import Line
from newsletter.transport.outcomes import Accepted, Outcome, Refused, TransportDown
from newsletter.transport.single import hand_over
from newsletter.transport.verdicts import verdict

logger = logging.getLogger(__name__)

Kind = OutboxMail.Kind
State = OutboxMail.State
# Those that bring a random link, made when the mail leaves. The name of a kind is that of its page, too.
ONE_OFF = (Kind.CONFIRM, Kind.PRIVATE, Kind.MOVE)
FOR_READERS = (Kind.PREFERENCES, Kind.MOVE)
MAX_ATTEMPTS = 6
TEXT_WIDTH = 76  # characters a line, as the digests have; links stay whole
LONGEST_WAIT = 20  # seconds for the rate; then the next tick goes on
# So long after the timeout of its one mail, whoever held it is dead.
ABANDONED_AFTER = timedelta(minutes=15)


def send_pending(*, now: datetime, limit: int = 50) -> int:
    """Send at most `limit` waiting mails and return how many were accepted. Any number may run at once."""
    give_up_abandoned(now=now)
    if not _waiting(now).exists():
        return 0
    line = Line()
    accepted, began = 0, monotonic()
    try:
        rate.ensure_open(now=now)
        for _ in range(limit):
            # Before each claim: a server that cannot be reached costs no mail its certainty.
            line.open()
            _take_leave()
            # Of this mail and not of the run, which may have lasted for long: links count from it.
            moment = now + timedelta(seconds=monotonic() - began)
            claimed = _claim(now=moment)
            if claimed is None:
                break
            accepted += _hand_over(*claimed, line, now=moment)
    except rate.Used as error:
        logger.info("The outbox waits: %s", error)
    except (OSError, TransportDown) as error:  # smtplib's exceptions are OSErrors
        logger.warning("The mail server cannot be reached, the outbox waits: %s", error)
    finally:
        line.close()
    return accepted


def give_up_abandoned(*, now: datetime) -> int:
    """Mark as in doubt what a sender left behind when it was killed, and return how many."""
    since = now - timedelta(seconds=settings.EMAIL_TIMEOUT) - ABANDONED_AFTER
    left = OutboxMail.objects.filter(state=State.HANDOFF, handed_over_at__lt=since)
    return left.update(state=State.IN_DOUBT, reason="the sender ended before it heard an answer")


def _take_leave() -> None:
    """Wait for the rate, which digests share; raises where that takes long."""
    until = monotonic() + LONGEST_WAIT
    while True:
        granted, seconds = rate.take(1)
        if granted:
            return
        if monotonic() + seconds > until:
            raise rate.Used(f"the rate is used up for {seconds:.0f} seconds")
        sleep(seconds)


def _waiting(now: datetime) -> QuerySet[OutboxMail]:
    return OutboxMail.objects.filter(Q(next_at=None) | Q(next_at__lte=now), state=State.PENDING)


def _claim(*, now: datetime) -> tuple[OutboxMail, str] | None:
    """Commit one mail as handed over, with the hash of its fresh token; None when nothing waits."""
    passed = 0
    while True:
        waiting = _waiting(now).filter(pk__gt=passed).order_by("pk")
        candidate = waiting.values_list("pk", "subscriber_id").first()
        if candidate is None:
            return None
        passed, reader = candidate
        if claimed := _claim_one(passed, reader, now=now):
            return claimed


def _claim_one(pk: int, reader: int, *, now: datetime) -> tuple[OutboxMail, str] | None:
    """Claim this mail; None where another has it, or whoever changed the reader took it back.

    First the reader, then the mail, in a transaction of its own: so does every verb that changes both, and
    who locked them the other way round could bring a reader's unsubscribe down with a deadlock.
    """
    with transaction.atomic():
        # The same lock as unsubscribing takes: whoever leaves now waits, or has left before.
        subscriber = Subscriber.objects.select_for_update(no_key=True).filter(pk=reader).first()
        rows = _waiting(now).select_for_update(skip_locked=True, of=("self",), no_key=True)
        mail = rows.select_related("mix").filter(pk=pk, subscriber=subscriber).first() if subscriber else None
        if mail is None or subscriber is None:
            return None
        mail.subscriber = subscriber
        token = new_one_off() if mail.kind in ONE_OFF else ""
        mail.state = State.HANDOFF
        mail.token_hash = one_off_hash(token) if token else ""
        mail.attempts += 1
        mail.handed_over_at = now
        refusal = _refusal(mail)
        if refusal:
            mail.state, mail.reason = State.REJECTED, refusal
        mail.save()
    return mail, token


def _refusal(mail: OutboxMail) -> str:
    reader = mail.subscriber
    to_reader = not mail.to
    if to_reader and reader.state == Subscriber.State.SUPPRESSED:
        return "suppressed"
    if suppressed([reader.email_key if to_reader else mail.to_key]):
        return "suppressed"
    if mail.used_at is not None:
        return mail.reason or "unsubscribed afterwards"
    if mail.kind in FOR_READERS and reader.state != Subscriber.State.ACTIVE:
        return "no longer a reader"
    return ""


def _hand_over(mail: OutboxMail, token: str, line: Line, *, now: datetime) -> bool:
    """Send a claimed mail and record the answer; True where it was accepted."""
    if mail.state != State.HANDOFF:
        return False
    proof: Outcome
    try:
        proof = hand_over(line, compose(mail, token))
    except SoftTimeLimitExceeded:
        _record(mail, State.IN_DOUBT, "the time of the task was over before there was an answer", now=now)
        raise
    except Exception as error:  # not composed; every way to fail must end in a state
        proof = verdict(error)
    if isinstance(proof, Accepted):
        _record(mail, State.ACCEPTED, "", now=now)
        return True
    if isinstance(proof, Refused) and proof.to_all:
        _give_back(mail, proof, now=now)
        raise TransportDown(f"everything is refused: {proof.reason}")
    state = State.IN_DOUBT
    if isinstance(proof, Refused):
        state = State.PENDING if proof.temporary else State.REJECTED
    logger.warning("Outbox mail %s: %s (%s)", mail.pk, state, proof.reason)
    _record(mail, state, proof.reason, now=now)
    return False


def _give_back(mail: OutboxMail, proof: Refused, *, now: datetime) -> None:
    """Let a mail wait that met what every mail would meet: not its fault, so not one of its attempts."""
    if proof.retry_after:
        rate.hold(proof.retry_after, now=now)
    wait = timedelta(seconds=proof.retry_after or 60)
    OutboxMail.objects.filter(pk=mail.pk, state=State.HANDOFF, attempts=mail.attempts).update(
        state=State.PENDING, reason=proof.reason, attempts=mail.attempts - 1, next_at=now + wait
    )


def _record(mail: OutboxMail, state: State, reason: str, *, now: datetime) -> None:
    if state == State.PENDING and mail.attempts >= MAX_ATTEMPTS:
        state, reason = State.REJECTED, f"{reason}, {mail.attempts} times"
    changes: dict[str, object] = {"state": state, "reason": reason}
    if state == State.PENDING:
        changes["next_at"] = now + timedelta(minutes=2**mail.attempts)
    elif state == State.ACCEPTED:
        changes["sent_at"] = now
    OutboxMail.objects.filter(pk=mail.pk, state=State.HANDOFF, attempts=mail.attempts).update(**changes)


def compose(mail: OutboxMail, token: str) -> EmailMultiAlternatives:
    """Return the message of an outbox mail, in the language of the choice it is about.

    Nothing that a visitor typed is in it but the address it goes to.
    """
    mix = mail.mix if mail.mix is not None else mail.subscriber.mix
    folder = f"email/{mail.kind}"
    with translation.override(mix.language):
        context = _context(mail, mix, token)
        message = EmailMultiAlternatives(
            subject=" ".join(render_to_string(f"{folder}/subject.txt", context).split()),
            body=wrap(render_to_string(f"{folder}/body.txt", context), TEXT_WIDTH),
            to=[mail.to or mail.subscriber.email],
            headers={"Auto-Submitted": "auto-generated", "Content-Language": mix.language},
        )
        message.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    return message


def _context(mail: OutboxMail, mix: TopicMix, token: str) -> dict[str, object]:
    """What the templates may say. A mail to another inbox than the reader's has no link of the reader."""
    reader = mail.subscriber
    context: dict[str, object] = {
        "name": settings.NEWSLETTER_NAME,
        "postal_address": settings.NEWSLETTER_POSTAL_ADDRESS,
        "site_url": settings.SITE_URL,
        "language": mix.language,
        "topics": [topic.name for topic in mix.topics.all()],
        "length": mix.length,
        "when": times.in_words(times.times_after(mail, reader)),
        "is_reader": reader.state == Subscriber.State.ACTIVE,
    }
    if not mail.to:
        link = link_token("unsubscribe", reader.handle, reader.secret)
        context["unsubscribe_url"] = _absolute("unsubscribe", link)
    if mail.kind in ONE_OFF:
        context[f"{mail.kind}_url"] = _absolute(mail.kind, token)
    elif mail.kind == Kind.PREFERENCES:
        link = link_token("preferences", reader.handle, reader.secret)
        context["preferences_url"] = _absolute("preferences", link)
    else:
        context["subscribe_url"] = _absolute("subscribe")
    return context


def _absolute(name: str, *token: str) -> str:
    return str(settings.SITE_URL).rstrip("/") + reverse(name, args=token)
