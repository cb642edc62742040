"""The desk's pages about readers, editions and the ledger."""

from django.conf import settings
from django.contrib import admin

from newsletter.admin import editions, ledger, subscribers, suppressions

__all__ = ["editions", "ledger", "subscribers", "suppressions"]

admin.site.site_header = settings.NEWSLETTER_NAME
admin.site.site_title = f"{settings.NEWSLETTER_NAME} desk"
admin.site.enable_nav_sidebar = False  # its width is needed for the lists
admin.site.index_title = "The curation desk"
