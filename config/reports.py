"""What reports of errors, which are mailed to ADMINS, leave out beside what Django does."""

import re

from django.views.debug import SafeExceptionReporterFilter


class WithoutPasswords(SafeExceptionReporterFilter):
    """Addresses of servers hold passwords: REDIS_URL, CELERY_BROKER_URL and LOCATION of a cache."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|URL|LOCATION", flags=re.IGNORECASE
    )
