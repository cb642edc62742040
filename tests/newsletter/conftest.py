"""What the tests of pages and readers share."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """No test counts towards another's rate limit."""
    cache.clear()
    yield
    cache.clear()
