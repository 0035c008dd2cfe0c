"""The Celery app. The queue is a nudge, the tables are the truth: every task may run twice."""

import os

from celery import Celery

from config.monitoring import heartbeat as heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("affidavit")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
