"""`serve`: a finished run behind HTTP."""

import argparse
from importlib.util import find_spec
from pathlib import Path

from recbole_ext.cli.parser import Parser, mapping, typed
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening
from recbole_ext.errors import ResourceError

SUMMARY = "answer requests over HTTP from a finished run (docs/serving.md)"
LIBRARIES = ("fastapi", "uvicorn", "prometheus_client")
_LIMITS = {
    "max-body": ("body", "BYTES", "bytes of a request's body (default 262144)"),
    "max-k": ("k", "N", "items of a list (default 1000)"),
    "max-history": ("history", "N", "events of a history (default 1000)"),
    "max-events": ("events", "N", "events, pairs or rows of a request (default 1000)"),
    "max-in-flight": ("in_flight", "N", "requests answered at the same time (default 256)"),
    "max-connections": ("connections", "N", "open connections (default 1000)"),
    "timeout": ("seconds", "SECONDS", "time for headers, for a body and for an answer (default 10)"),
}


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=run_of, help="directory of a run, or a link to it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; others than loopback need a token")
    parser.add_argument("--port", type=typed("port"), default=8000, metavar="N", help="port (default 8000; 0: any)")
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="event log and snapshots; default: events are kept in memory"
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file with the clients' token; or set RECBOLE_EXT_TOKEN"
    )
    parser.add_argument(
        "--workers", type=typed("workers"), default=1, metavar="N", help="processes; more than one take no events"
    )
    parser.add_argument(
        "--snapshot-events",
        type=typed("snapshot_events"),
        default=100_000,
        metavar="N",
        help="events between two snapshots (default 100000)",
    )
    parser.add_argument(
        "--keep-days",
        type=typed("keep_days"),
        metavar="DAYS",
        help="delete parts of the event log of this age that a snapshot covers; default: never",
    )
    for name, (_, value, text) in _LIMITS.items():
        parser.add_argument(f"--{name}", type=typed(name), metavar=value, help=text)
    parser.add_argument(
        "--engine-settings",
        type=mapping("engine-settings", "{state_memory_gb: 2}"),
        metavar="MAPPING",
        help="settings of the live engine, as {state_memory_gb: 2, warm: True} (docs/serving.md)",
    )
    parser.add_argument("--log-requests", action="store_true", help="log the bodies of requests, with their histories")
    parser.add_argument(
        "--log-recommendations",
        action="store_true",
        help="log lists and what users did afterwards in the state directory, for ab",
    )
    declare_opening(parser)
    parser.execute = serve_command


def serve_command(words: argparse.Namespace) -> int:
    """Execute `serve`.

    Raises:
        ResourceError: a library is not installed, or the port is in use.
    """
    from recbole_ext.runs.recorded import require_run

    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise ResourceError(
            f"serve needs {' and '.join(missing)}, not installed here; install with: make serve-setup\n"
            "or, in an environment of your own: pip install -r requirements-serve.txt"
        )
    require_run(words.run)
    from recbole_ext.serving.http.settings import Limits, ServeSettings

    given = {key: getattr(words, name.replace("-", "_")) for name, (key, _, _) in _LIMITS.items()}
    limits = Limits(**{key: value for key, value in given.items() if value is not None})
    settings = ServeSettings(
        words.run,
        str(words.host),
        words.port,
        words.state_dir,
        words.token_file,
        words.workers,
        words.data_path,
        words.device,
        words.log_requests,
        words.snapshot_events,
        words.keep_days,
        limits,
        words.engine_settings or {},
        words.log_recommendations,
    )
    from recbole_ext.serving.http.server import serve

    return serve(settings)
