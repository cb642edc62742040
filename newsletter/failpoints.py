"""Named places at which a test may kill the process, as `kill -9` would.

Pure but for the kill. `NEWSLETTER_FAILPOINT=after-claim` kills at the first passing of that place,
`after-claim:7` at the seventh. Without the variable each place costs one comparison.
"""

import os
import signal

_NAME, _, _COUNT = os.environ.get("NEWSLETTER_FAILPOINT", "").partition(":")
_left = int(_COUNT or 1)


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL if this is the place and the passing that the environment names."""
    global _left
    if name != _NAME:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def armed(name: str) -> bool:
    """Whether this place is the one that the environment names, for what must be done differently there."""
    return name == _NAME
