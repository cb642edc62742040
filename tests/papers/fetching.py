"""What the tests of fetching share: an impatient client, and the moment at which all their clocks stand."""

from datetime import UTC, datetime
from typing import Any

from papers.sources.http import Client

NOW = datetime(2026, 5, 20, 9, 30, 15, tzinfo=UTC)


def impatient(**changes: Any) -> Client:
    """Gives up after 0.2 s of silence or 0.4 s in all, and 100 kB; two attempts, no waiting between them."""
    options: dict[str, Any] = {
        "user_agent": "PaperRound/1 (test)",
        "timeout": (1, 0.2),
        "deadline": 0.4,
        "max_bytes": 100_000,
        "attempts": 2,
        "wait": lambda seconds: None,
        "now": lambda: NOW,
    }
    return Client(**(options | changes))
