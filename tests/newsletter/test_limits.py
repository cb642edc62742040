"""Which network a visitor comes from, and how often it may come."""

from typing import Any

import pytest
from django.test import RequestFactory

from newsletter import limits
from newsletter.limits import asks_too_often, exceeded, network_of


def visit(address: str = "192.0.2.77", forwarded: str | None = None) -> Any:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=address, **headers)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_neighbours_share_a_network(address: str, network: str) -> None:
    assert network_of(visit(address)) == network


@pytest.mark.parametrize(
    ("proxies", "forwarded", "network"),
    [
        (0, "198.51.100.1", "192.0.2.0/24"),
        (1, "198.51.100.1", "198.51.100.0/24"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.0/24"),
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.1", "198.51.100.0/24"),
        (2, "198.51.100.1", "192.0.2.0/24"),
        (1, "nonsense", "unknown"),
        (1, None, "unknown"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings: Any, proxies: int, forwarded: str | None, network: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert network_of(visit(forwarded=forwarded)) == network


def test_the_count_is_per_network_and_bucket() -> None:
    assert [exceeded(visit(), "one", limit=2) for _ in range(4)] == [False, False, True, True]
    assert not exceeded(visit(), "another", limit=2)
    assert not exceeded(visit("198.51.100.1"), "one", limit=2)


def test_the_count_ends_with_its_time() -> None:
    assert [exceeded(visit(), "brief", limit=1, seconds=0) for _ in range(3)] == [False, False, False]


def test_all_networks_together_may_ask_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ASKS_PER_HOUR_IN_TOTAL", 50)
    answers = [asks_too_often(visit(f"198.51.{network}.1")) for network in range(60)]
    assert answers == [False] * 50 + [True] * 10


def test_a_network_that_asks_too_often_shuts_the_door_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ASKS_PER_HOUR_IN_TOTAL", 50)
    flood = [asks_too_often(visit()) for _ in range(500)]
    assert flood == [False] * 30 + [True] * 470
    assert not asks_too_often(visit("198.51.100.1"))
