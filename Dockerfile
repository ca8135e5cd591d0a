# One image for the UI, the daemon, the endpoint and Ray's workers; compose.yaml says how each is started.
FROM python:3.11-slim-bookworm

# The OpenMP runtime is for LightGBM. All that is written lies in one folder, a volume: runs, store, compiled loops.
# hadolint ignore=DL3008 # Debian keeps no old versions: a pin would break the next build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /srv/rec_assets rec_assets

# The synthetic sample and workspace.yaml are looked for beside the code, so it is installed as it lies here.
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE workspace.yaml ./
COPY rec_assets rec_assets
COPY data/synthetic_playlists.csv.gz data/
ARG EXTRAS=serve,s3,postgres
RUN pip install --no-cache-dir --constraint constraints.txt --editable ".[${EXTRAS}]"

USER 10001:10001
RUN mkdir /srv/rec_assets/home /srv/rec_assets/scratch \
    && cp rec_assets/shared_instance.yaml /srv/rec_assets/home/dagster.yaml
# Else the C library keeps freed memory for each thread: a run on a bucket took 1.4 GB in place of 0.75.
ENV MALLOC_ARENA_MAX=2
ENV DAGSTER_HOME=/srv/rec_assets/home \
    REC_ASSETS_STORAGE=/srv/rec_assets/store \
    TMPDIR=/srv/rec_assets/scratch
VOLUME /srv/rec_assets
CMD ["rec-assets", "--help"]
