"""How many mails of an edition are in which state."""

from collections import Counter, defaultdict

from django.db.models import Count

from newsletter.models import Delivery, Edition


def mails_by_state(edition_ids: list[int]) -> dict[int, dict[str, int]]:
    """Count the mails of many editions with two queries: edition id → state → mails, in the states' order.

    Those whose rows were cleared count too.
    """
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Delivery.objects.filter(edition__in=edition_ids).order_by()
    found = Counter(
        {
            (edition, state): n
            for edition, state, n in rows.values_list("edition", "state").annotate(Count("pk"))
        }
    )
    long_past = Edition.objects.filter(pk__in=edition_ids).exclude(cleared_mails={})
    for edition, cleared in long_past.values_list("pk", "cleared_mails"):
        found.update({(edition, state): n for state, n in cleared.items()})
    for edition in edition_ids:
        for state in Delivery.State.values:
            if (edition, state) in found:
                counts[edition][state] = found[edition, state]
    return counts


def mails_in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {Delivery.State(state).label}" for state, n in counts.items()) or "none planned"
