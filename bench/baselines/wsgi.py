"""The plain Django project's entry: WSGI, under which Django is faster than under ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.baselines.settings"
application = get_wsgi_application()
