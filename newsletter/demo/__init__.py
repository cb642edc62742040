"""A whole day on one machine, for `manage.py demo`: a dozen readers, and the mails as pages to browse."""
