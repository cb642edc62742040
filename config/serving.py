"""The settings of what `serve` runs out of a checkout: a reader is shown our own pages, also of errors.

What DEBUG decided before it is switched off stays: the hosts, and static files as they lie in the source,
read anew each time. `runserver` is for whoever wants Django's own page of an error.
"""

from config.settings import *  # noqa: F403

DEBUG = False
WHITENOISE_MAX_AGE = 0  # seconds; whoever edits the stylesheet sees it at the next look
