# syntax=docker/dockerfile:1
# The image of web server, worker and beat; compose.yaml starts them. Only locked packages, checked by their hashes.

FROM python:3.13-slim-trixie AS build
WORKDIR /app
COPY requirements-uv.txt ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-uv.txt
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-cache
COPY . .
# Settings only to collect the files with: nothing of them remains in the image.
RUN SECRET_KEY=only-to-collect DATABASE_URL=postgres://none@127.0.0.1:9/none REDIS_URL=redis://127.0.0.1:9/0 \
    EMAIL_URL=memorymail:// .venv/bin/python manage.py collectstatic --noinput \
    && .venv/bin/python -m compileall -q affiliates config conversions dashboard payouts records tracking web

FROM python:3.13-slim-trixie
# One account without a shell; only the spool and the anchors are its to write.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin affidavit \
    && install --directory --owner=affidavit --mode=0700 /var/lib/affidavit
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENV_FILE=/dev/null \
    STATIC_ROOT=/app/staticfiles \
    SPOOL_DIR=/var/lib/affidavit/spool \
    ANCHOR_FILE=/var/lib/affidavit/anchors.jsonl \
    BEAT_SCHEDULE_FILE=/var/lib/affidavit/beat
USER 10001
VOLUME /var/lib/affidavit
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["granian", "--interface", "asgi", "--http", "1", "--no-ws", "--http1-header-read-timeout", "30000", "--backlog", "2048", "--backpressure", "4096", "--workers", "2", "--host", "0.0.0.0", "--port", "8000", "config.asgi:application"]
