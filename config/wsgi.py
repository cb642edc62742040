"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from config.charset import always_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = always_utf8(get_wsgi_application())
