"""Moving a reader to another address: asked for behind a private link, confirmed from the new inbox."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db import IntegrityError, transaction
from django.db.models import Q

from newsletter.addresses import Address
from newsletter.inbox_cap import DAY, MAILS_PER_DAY, mails_lately, may_be_mailed
from newsletter.models import Delivery, OutboxMail, Subscriber, new_handle
from newsletter.own_data.links import GOOD_FOR, is_fresh
from newsletter.reader_row import locked
from newsletter.suppression import suppressed
from newsletter.tokens import one_off_mail

# Longer than the cap on mails looks back.
FORGET_ADDRESSES_AFTER = timedelta(days=2)

State = Subscriber.State


class Outcome(Enum):
    """What the link in the new inbox turned out to be."""

    MOVED = "moved"
    TAKEN = "taken"  # the address is another reader's
    EXPIRED = "expired"
    LEFT = "left"  # the reader unsubscribed
    BLOCKED = "blocked"  # mail to the new address bounced, or was called spam
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Move:
    outcome: Outcome
    reader: Subscriber | None = None
    done: bool = False  # the mail comes here already


def request_move(link: OutboxMail, address: Address, *, now: datetime) -> None:
    """Ask the owner of `address` to confirm that this reader's mail goes there. Answers nothing, for it must
    not be told from here who else is a reader. Earlier requests of this reader are void."""
    with transaction.atomic():
        reader = locked(pk=link.subscriber_id)
        link.refresh_from_db()
        if not is_fresh(link, now=now) or reader.state != State.ACTIVE or address.key == reader.email_key:
            return
        moves = reader.outbox.filter(kind=OutboxMail.Kind.MOVE)
        if moves.filter(created_at__gt=now - DAY).count() >= MAILS_PER_DAY:
            return
        _make_void(reader, kinds=[OutboxMail.Kind.MOVE], reason="another was asked for", now=now)
        mail = OutboxMail(subscriber=reader, kind=OutboxMail.Kind.MOVE, to=address.email, to_key=address.key)
        if not may_be_mailed(address.key, now=now, by_anybody=True):
            # Asked for all the same: what this reader can do next must not tell that we do not write there.
            mail.state, mail.reason = OutboxMail.State.REJECTED, "this address may not be mailed now"
        mail.save()


def look_up(token: str, *, now: datetime) -> Move:
    """Say what pressing the button would do, and change nothing."""
    mail = one_off_mail(OutboxMail.Kind.MOVE, token)
    if mail is None:
        return Move(Outcome.UNKNOWN)
    holder = Subscriber.objects.filter(email_key=mail.to_key).exclude(pk=mail.subscriber_id).first()
    outcome = _outcome(mail, mail.subscriber, holder, now=now)
    return Move(outcome, mail.subscriber, done=_is_done(mail, mail.subscriber))


def confirm_move(token: str, *, now: datetime) -> Move:
    """Send the reader's mail to the new address from now on; again is no different from once.

    All links in the old inbox are void then, and it is told that mail goes elsewhere.
    """
    mail = one_off_mail(OutboxMail.Kind.MOVE, token)
    if mail is None:
        return Move(Outcome.UNKNOWN)
    try:
        with transaction.atomic():
            return _confirm(mail, now=now)
    except IntegrityError:  # somebody took the address in this moment
        return Move(Outcome.TAKEN, mail.subscriber)


def forget_addresses(*, now: datetime) -> int:
    """Forget where mails went that went elsewhere than to their reader, and return how many."""
    long_ago = now - FORGET_ADDRESSES_AFTER
    old = OutboxMail.objects.exclude(to="").exclude(state=OutboxMail.State.PENDING)
    old = old.filter(Q(handed_over_at=None) | Q(handed_over_at__lt=long_ago), created_at__lt=long_ago)
    return old.update(to="", to_key="")


def _confirm(mail: OutboxMail, *, now: datetime) -> Move:
    both = Q(pk=mail.subscriber_id) | Q(email_key=mail.to_key)
    # In one order, and against everybody: one of them may be deleted.
    rows = {row.pk: row for row in Subscriber.objects.select_for_update().filter(both).order_by("pk")}
    reader = rows.pop(mail.subscriber_id, None)
    if reader is None:
        return Move(Outcome.UNKNOWN)
    mail.refresh_from_db()
    holder = next(iter(rows.values()), None)
    outcome = _outcome(mail, reader, holder, now=now)
    if outcome is not Outcome.MOVED or mail.used_at is not None:
        return Move(outcome, reader, done=_is_done(mail, reader))
    if holder is not None:
        holder.delete()
    mail.used_at = now
    mail.save(update_fields=["used_at"])
    old = Address(reader.email, reader.email_key)
    # But for the word to an inbox that was left before: whoever moves on must not be able to stop that.
    voided = set(OutboxMail.Kind) - {OutboxMail.Kind.MOVED}
    _make_void(reader, kinds=voided, reason="the reader moved", now=now)
    # A used link to confirm shows its reader the way on, which whoever has the old inbox must not learn.
    reader.outbox.filter(kind=OutboxMail.Kind.CONFIRM).update(token_hash="")
    # They went to the old inbox, and count for it.
    reader.outbox.filter(to_key="").update(to=old.email, to_key=old.key)
    reader.email, reader.email_key, reader.secret = mail.to, mail.to_key, new_handle()
    reader.save(update_fields=["email", "email_key", "secret"])
    # A sender that has claimed one holds the old address: its gate stays shut, and the mail is made anew.
    waiting = (Delivery.State.PENDING, Delivery.State.CLAIMED)
    reader.deliveries.filter(state__in=waiting).update(
        state=Delivery.State.PENDING, token=None, lease_until=None
    )
    _tell_old_inbox(reader, old, now=now)
    return Move(Outcome.MOVED, reader, done=True)


def _tell_old_inbox(reader: Subscriber, old: Address, *, now: datetime) -> None:
    untold = reader.outbox.filter(kind=OutboxMail.Kind.MOVED, state=OutboxMail.State.PENDING)
    # Back in an inbox that was not told yet that they had left it.
    untold.filter(to_key=reader.email_key).update(
        state=OutboxMail.State.REJECTED, used_at=now, reason="the reader moved back"
    )
    if suppressed([old.key]) or untold.filter(to_key=old.key).exists():
        return
    # The cap holds for this one too; but it is late then, and not left out.
    room = may_be_mailed(old.key, now=now)
    first = None if room else mails_lately(old.key, now=now).order_by("created_at").first()
    OutboxMail.objects.create(
        subscriber=reader,
        kind=OutboxMail.Kind.MOVED,
        to=old.email,
        to_key=old.key,
        next_at=(first.handed_over_at or first.created_at) + DAY if first else None,
    )


def _make_void(reader: Subscriber, *, kinds: Iterable[str], reason: str, now: datetime) -> None:
    mails = reader.outbox.filter(kind__in=kinds)
    mails.filter(used_at=None).update(used_at=now, reason=reason)
    mails.filter(state=OutboxMail.State.PENDING).update(state=OutboxMail.State.REJECTED)


def _outcome(mail: OutboxMail, reader: Subscriber, holder: Subscriber | None, *, now: datetime) -> Outcome:
    if _is_done(mail, reader):
        return Outcome.MOVED
    if reader.state != State.ACTIVE:
        return Outcome.LEFT
    late = mail.handed_over_at is None or now - mail.handed_over_at > GOOD_FOR
    if late or mail.used_at is not None:
        return Outcome.EXPIRED
    if suppressed([mail.to_key]):
        return Outcome.BLOCKED
    return Outcome.MOVED if holder is None or _gives_way(holder, mail) else Outcome.TAKEN


def _is_done(mail: OutboxMail, reader: Subscriber) -> bool:
    return mail.used_at is not None and reader.email_key == mail.to_key


def _gives_way(holder: Subscriber, mail: OutboxMail) -> bool:
    """Whether the address is free though a row has it: nobody confirmed it, or its owner left before this."""
    if holder.state == State.UNSUBSCRIBED and holder.unsubscribed_at is not None:
        return holder.unsubscribed_at < mail.created_at
    return holder.state == State.PENDING
