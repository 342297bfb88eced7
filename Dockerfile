# Serves a run directory: docs/serving.md. Written without a container engine at hand: it has not been built yet.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 OMP_NUM_THREADS=1 NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /opt/recbole_ext
# The CPU build of torch is a fifth of the size of the default one, and has the same version.
COPY requirements.txt requirements-host.txt requirements-serve.txt ./
RUN pip install --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt \
    && pip install --no-deps -r requirements-host.txt -r requirements-serve.txt
COPY . .
RUN pip install --no-deps --no-build-isolation . \
    && useradd --system --create-home --uid 10001 serving \
    && install -d -o serving -m 700 /state
USER serving
WORKDIR /home/serving
VOLUME /state
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=180s --interval=15s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Other machines can reach this address, so that the variable RECBOLE_EXT_TOKEN must be set.
ENTRYPOINT ["recbole-ext", "serve", "--run=/run-directory", "--host=0.0.0.0", "--state-dir=/state"]
