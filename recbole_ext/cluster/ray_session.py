"""Ray for the length of a command: one of this machine's own that listens on loopback alone, or a cluster's."""

import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from recbole_ext.errors import ResourceError

_ALWAYS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # so that a relative --data_path means what it means in a run
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # each run has its own metrics.csv and TensorBoard curves
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # the last report of a trial that failed has no score
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
_LOCAL = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
"""The first one is Ray's switch for a node that no other machine can join, which then stays on loopback."""
_OBJECT_STORE_BYTES = 100_000_000
_LOOPBACK = ("127.", "::1", "::ffff:127.")


@contextmanager
def ray_session(address: str | None) -> Iterator[dict[str, float]]:
    """Start a local Ray, or join the cluster at `address`; leave it at the end without leftovers.

    Args:
        address: `host:port` of a cluster's head, or `auto`; None for a Ray of this machine alone.

    Yields:
        What there is: `CPU`, `GPU`, and more.

    Raises:
        ResourceError: Ray cannot be reached or started, or it would listen on other interfaces than loopback.
    """
    local = {} if address else {**_LOCAL, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with _environment({**_ALWAYS, **local}):
        import ray  # reads its environment while it is imported, and the kind of authentication when it first starts

        folder = tempfile.mkdtemp(prefix="ray-")
        try:
            with _kept_handlers():
                _start(ray, address, folder)
            yield ray.cluster_resources()
        finally:
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kept_handlers() -> Iterator[None]:
    """The handlers of Ctrl-C and SIGTERM, in whose place Ray puts its own when it starts."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(number, handler)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that are set for a while, so that a Ray that is started afterwards does not find them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(ray: object, address: str | None, folder: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is not None:
            _require_answer(address)
            ray.init(address=address, **quiet)  # type: ignore[attr-defined]
            return
        ray.init(  # type: ignore[attr-defined]
            address="local",
            _node_ip_address="127.0.0.1",
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            _temp_dir=folder,
            **quiet,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        what = f"--ray-address={address}: no Ray answers there" if address else "Ray does not start on this machine"
        raise ResourceError(f"{what} ({str(error).splitlines()[0]})") from None
    found = listening_elsewhere()
    if found:
        raise ResourceError(
            f"Ray listens on {', '.join(found)}, which other machines can reach; it was stopped. "
            "Install the version of requirements-tune.txt"
        )


def _require_answer(address: str) -> None:
    """Ray itself would wait for minutes.

    Raises:
        ConnectionError: nothing listens at `host:port`.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():  # `auto`
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(str(error)) from None


def listening_elsewhere() -> list[str]:
    """`address:port` of every socket of this process and those it started that listens beyond loopback."""
    me = psutil.Process()
    found = []
    for process in [me, *me.children(recursive=True)]:
        try:
            sockets = process.net_connections(kind="inet")
        except psutil.Error:  # it has ended meanwhile
            continue
        found += [
            f"{each.laddr.ip}:{each.laddr.port}"
            for each in sockets
            if each.status == psutil.CONN_LISTEN and not each.laddr.ip.startswith(_LOOPBACK)
        ]
    return found
