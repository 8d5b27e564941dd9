# One image for every part: an agent (the default), the portal over SSH, any other command of chorus-tui.
#
#   make image                                   # with what this machine has: a registry, or Debian packages alone
#   docker build --tag chorus-tui .              # with a registry and a package index in reach
#
# Only features of the classic builder are used, so that it builds without buildx too.
# BASE and BUILDER need the same Python at the same path; BUILDER has pip, setuptools and wheel besides.
ARG BASE=python:3.11-slim-bookworm
ARG BUILDER=${BASE}

FROM ${BUILDER} AS build
# The classic builder leaves this stage behind: docker image prune --filter label=chorus.stage=build
LABEL chorus.stage=build
WORKDIR /build
ARG PIP_DISABLE_PIP_VERSION_CHECK=1
ARG PIP_NO_CACHE_DIR=1
# Set to 1 when deploy/image/packages holds everything: then nothing is asked of a network.
ARG PIP_NO_INDEX
COPY requirements.lock ./
COPY deploy/image/packages packages/
# The builder's own pip and setuptools install into an environment that has neither. --no-deps: the lock is whole.
RUN python3 -m venv --without-pip --system-site-packages /opt/chorus \
    && python3 -m pip --python /opt/chorus/bin/python3 install --quiet --no-deps --ignore-installed --require-hashes \
        --prefer-binary --no-build-isolation --find-links packages --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY chorus_tui chorus_tui/
ARG REVISION=unknown
ARG CREATED=unknown
# What nobody imports is left behind: tests and examples of libraries, and what was needed for building only.
WORKDIR /opt/chorus
RUN printf '{"hash": "%s", "date": "%s"}\n' "$REVISION" "$CREATED" >/build/chorus_tui/build.json \
    && python3 -m pip --python bin/python3 install --quiet --no-deps --no-build-isolation --no-index /build \
    && sed -i 's/^include-system-site-packages = true/include-system-site-packages = false/' pyvenv.cfg \
    && rm -rf lib/python3*/site-packages/editables* lib/python3*/site-packages/hatchling* \
        lib/python3*/site-packages/pip lib/python3*/site-packages/pip-* bin/pip* lib/python3*/site-packages/trove_classifiers* lib/python3*/site-packages/mypy_protobuf* \
        lib/python3*/site-packages/examples lib/python3*/site-packages/tests \
        lib/python3*/site-packages/Crypto/SelfTest lib/python3*/site-packages/netaddr/tests

FROM ${BASE}
# git fetches repositories and makes patches. Its version is the base's business, which is pinned by whoever names the base.
# hadolint ignore=DL3008
RUN command -v git >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends git ca-certificates \
        && rm -rf /var/lib/apt/lists/*; } \
    && { grep -q '^agent:' /etc/passwd || printf 'agent:x:10001:10001::/data:/bin/sh\n' >>/etc/passwd; } \
    && { grep -q '^agent:' /etc/group || printf 'agent:x:10001:\n' >>/etc/group; } \
    && mkdir /data && chmod 0700 /data && chown 10001:10001 /data
COPY --from=build /opt/chorus /opt/chorus
COPY deploy/image/healthcheck.py /opt/chorus/healthcheck.py
# Everything that changes is below /data, where a volume belongs; without one the identity goes with the container, and the engine
# knows it (CHORUS_EPHEMERAL). /tmp holds what a task needs for a moment. The root may be read-only.
ENV PATH=/opt/chorus/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHORUS_DATA_DIR=/data/agent \
    CHORUS_API_HOST=0.0.0.0 \
    CHORUS_HEALTH_HOST=0.0.0.0 \
    CHORUS_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
# Peers; API and metrics; probes; the portal over SSH.
EXPOSE 9000 8080 8081 2222
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python3", "-I", "-S", "/opt/chorus/healthcheck.py"]
ENTRYPOINT ["chorus-tui"]
CMD ["--headless"]
# Last, so that another commit leaves the layers above as they are.
ARG REVISION=unknown
ARG CREATED=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="chorus-tui" \
      org.opencontainers.image.description="A peer-to-peer mesh where people and AI agents share the work" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
