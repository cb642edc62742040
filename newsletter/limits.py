"""How often a network, or everybody, may do something: counters on Django's cache, which fail open.

The cap of mails per address, which is what protects people, is on rows: `newsletter.inbox_cap`.
"""

import ipaddress
import logging

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

logger = logging.getLogger(__name__)

HOUR = 3600
# Of everybody who gives an address at any door: a network's share, and all together.
ASKS_PER_HOUR = 30
ASKS_PER_HOUR_IN_TOTAL = 3000
PREFIXES = {4: 24, 6: 48}


def asks_too_often(request: HttpRequest) -> bool:
    """Count one more address given by the network of `request`; True where it gave too many in an hour, or
    where all visitors together did. What a network may not ask does not count against the others."""
    return exceeded(request, "ask", limit=ASKS_PER_HOUR) or _counted_out("ask", ASKS_PER_HOUR_IN_TOTAL, HOUR)


def exceeded(request: HttpRequest, bucket: str, *, limit: int, seconds: int = HOUR) -> bool:
    """Count one more of `bucket` for the network of `request`; True from the `limit`+1st within `seconds`."""
    return _counted_out(f"{bucket}:{network_of(request)}", limit, seconds)


def network_of(request: HttpRequest) -> str:
    """Return the visitor's network, for example "192.0.2.0/24".

    X-Forwarded-For is believed only as far as TRUSTED_PROXIES proxies of ours wrote it: a visitor can write
    anything to the left of that.
    """
    proxies = getattr(settings, "TRUSTED_PROXIES", 0)
    address = request.META.get("REMOTE_ADDR", "")
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if proxies and len(forwarded) >= proxies:
        address = forwarded[-proxies]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    # A server that listens on [::] names IPv4 visitors ::ffff:1.2.3.4, and they are not one network.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ipaddress.ip_network(f"{parsed}/{PREFIXES[parsed.version]}", strict=False))


def _counted_out(counter: str, limit: int, seconds: int) -> bool:
    key = f"limit:{counter}"
    try:
        if cache.add(key, 1, timeout=seconds):
            return False
        return cache.incr(key) > limit
    except ValueError:  # it ran out between the two calls
        return False
    except Exception as error:  # each cache backend fails in its own way, and none may shut the door
        logger.warning("No rate limit, the cache is down: %s", error)
        return False
