# One image for every process of Streamify; what runs is the command in docker-compose.yml.
FROM debian:trixie-slim AS pages
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /streamify
COPY pyproject.toml uv.lock streamify ./
COPY api/bootstrap.py api/bootstrap.py
COPY player player
RUN ./streamify pages

FROM debian:trixie-slim
# nginx 1.26 and FFmpeg 7.1 are the distribution's; so are their security updates.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
    ca-certificates curl ffmpeg nginx-light python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home streamify \
    && install -d -o streamify -g streamify /data/media /data/sources /data/log/fetch \
    /data/log/all/origin /data/log/all/edge /data/run /data/run/nginx /data/run/edge
WORKDIR /streamify
COPY pyproject.toml uv.lock streamify ./
COPY api/bootstrap.py api/bootstrap.py
RUN ./streamify prepare
ENV PATH=/streamify/.venv/bin:$PATH PYTHONPATH=/streamify PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STREAMIFY_HOME=/data STREAMIFY_NGINX=/usr/sbin/nginx STREAMIFY_FFMPEG=/usr/bin/ffmpeg BIND=0.0.0.0
COPY api api
COPY media media
COPY workers workers
COPY nginx nginx
COPY --from=pages /streamify/player/dist player/dist
USER streamify
# FFmpeg and nginx workers must not outlive their parent: run with `init: true`.
ENTRYPOINT ["python", "-m", "api"]
