"""The process that listens: its socket, its signals, and worker processes."""

import contextlib
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.serving.http.app import open_app
from recbole_ext.serving.http.logs import log_to_terminal
from recbole_ext.serving.http.metrics import SHARED
from recbole_ext.serving.http.settings import ServeSettings
from recbole_ext.serving.http.tokens import read_token, require_token_beyond_loopback

_BACKLOG = 512
_SPARE_FILES = 200
_SWITCH_SECONDS = 0.0005
"""How long the thread that writes the event log waits for its turn in Python, a tenth of the default."""
_WORKER_SECONDS = 300
"""A worker that does not show a sign of life for so long is replaced."""


def serve(settings: ServeSettings, open_app: Callable[[ServeSettings], FastAPI] = open_app) -> int:
    """Serve a run until SIGINT or SIGTERM.

    Args:
        settings: what is served, and where.
        open_app: makes the application of a server with one process.

    Raises:
        UsageError: other machines can reach the server and there is no token, or the run cannot be served.
        ResourceError: the port is in use, or the state directory is.
    """
    require_token_beyond_loopback(settings.host, read_token(settings.token_file))
    log_to_terminal()
    sys.setswitchinterval(_SWITCH_SECONDS)
    most = _connections(settings.limits.connections)
    with _bound(settings.host, settings.port) as listener:
        if settings.workers == 1:
            _Server(_config(open_app(settings), settings, most)).run([listener])
        else:
            _serve_by_workers(settings, listener, most)
    print("stopped", flush=True)
    return 0


def _config(app: Any, settings: ServeSettings, connections: int, **named: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="recbole_ext.serving.http.connections:Connection",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        limit_concurrency=connections,
        timeout_keep_alive=settings.limits.seconds,  # type: ignore[arg-type]  # seconds of any kind
        timeout_graceful_shutdown=int(settings.limits.seconds) + 1,
        **named,
    )


def _serve_by_workers(settings: ServeSettings, listener: socket.socket, connections: int) -> None:
    settings.to_environment()
    config = _config(
        "recbole_ext.serving.http.app:from_environment",
        settings,
        connections,
        factory=True,
        workers=settings.workers,
        timeout_worker_healthcheck=_WORKER_SECONDS,
    )
    with tempfile.TemporaryDirectory(prefix="serve-") as folder:
        os.environ[SHARED] = folder
        listener.set_inheritable(True)
        print(_address(listener, f"{settings.workers} processes, "), flush=True)
        _Workers(config, [listener]).run()


class _Server(uvicorn.Server):
    """Says where it listens, and ends without an error after SIGINT and SIGTERM."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(_address((sockets or [])[0]), flush=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Workers(Multiprocess):
    """Hands SIGHUP on, so that each worker moves to the newer run and goes on answering meanwhile."""

    def handle_hup(self) -> None:
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)


def _address(listener: socket.socket, workers: str = "") -> str:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    return f"serving on http://{name}:{port} ({workers}pid {os.getpid()}; Ctrl-C stops, SIGHUP loads the run again)"


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket at an address; it listens only once a server uses it.

    Raises:
        ResourceError: another program has the port, or it may not be used.
        UsageError: the host is none of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host={host} is no address of this machine ({error})") from None
    with socket.socket(family, kind, protocol) as listener:  # asyncio sends at once where the protocol is named
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise ResourceError(
                f"cannot listen on port {port} of {host}: {(error.strerror or str(error)).lower()}; choose another one "
                "with --port, or 0 for any free one"
            ) from None
        yield listener


def _connections(wanted: int) -> int:
    """How many connections can be open, with files to spare."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = most == resource.RLIM_INFINITY
    needed = wanted + _SPARE_FILES if unlimited else min(wanted + _SPARE_FILES, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(needed, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), most))
    return max(1, min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES))
