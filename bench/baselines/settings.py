"""The plain Django project: our database and models, the middleware of `startproject`, a transaction per request."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # allauth, which our apps need, refuses to start without it.
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "bench.baselines.urls"
# Each thread of the server keeps its connection: the fastest that plain Django can do.
DATABASES["default"].update(ATOMIC_REQUESTS=True, CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
