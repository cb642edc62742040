"""Random names that stand in links."""

import secrets


def new_handle() -> str:
    """A random name for links, so that neither address nor row number stands in a URL (128 bits)."""
    return secrets.token_urlsafe(16)
