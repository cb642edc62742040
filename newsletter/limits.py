"""How often a network may do something: a counter on Django's cache, which fails open when that is down.

The cap of mails per address, which is what protects people, is on rows: `newsletter.inbox_cap`.
"""

import ipaddress
import logging

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

logger = logging.getLogger(__name__)

HOUR = 3600
PREFIXES = {4: 24, 6: 48}


def exceeded(request: HttpRequest, bucket: str, *, limit: int, seconds: int = HOUR) -> bool:
    """Count one more of `bucket` for the network of `request`; True from the `limit`+1st within `seconds`."""
    key = f"limit:{bucket}:{network_of(request)}"
    try:
        if cache.add(key, 1, timeout=seconds):
            return False
        return cache.incr(key) > limit
    except ValueError:  # it ran out between the two calls
        return False
    except Exception as error:  # each cache backend fails in its own way, and none may shut the door
        logger.warning("No rate limit, the cache is down: %s", error)
        return False


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
