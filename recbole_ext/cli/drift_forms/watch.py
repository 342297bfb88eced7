"""`drift watch`: a stream of interactions against a stored profile."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_ext.cli.parser import Parser, typed
from recbole_ext.errors import UsageError

if TYPE_CHECKING:
    from dataset_tools.drift.watch.watch import Watch

SUMMARY = "watch a stream of interactions for drift against a stored profile (docs/monitoring.md)"
_KINDS = ("discord", "slack", "webhook")


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--reference", required=True, type=Path, metavar="PROFILE", help="what `recbole-data profile` wrote"
    )
    parser.add_argument(
        "--stream",
        required=True,
        type=Path,
        metavar="FILE|DIR",
        help="events-*.log of serve, *.jsonl or *.inter: a file, or a directory of them",
    )
    parser.add_argument("--window", default="1d", metavar="SPAN|N", help="a span, or a number of rows (default 1d)")
    parser.add_argument("--state", type=Path, metavar="FILE", help="continue from here, also after a kill")
    parser.add_argument("--output", type=Path, metavar="FILE", help="append the lines here, each once; needs --state")
    parser.add_argument("--once", action="store_true", help="end at the end of the stream; default: wait for more")
    parser.add_argument(
        "--close-last", action="store_true", help="with --once: also close the window that is open then"
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 6 at the first window that drifts")
    parser.add_argument("--notify", choices=_KINDS, help="send a message when the stream begins or ceases to drift")
    parser.add_argument("--notify-file", metavar="FILE", help="file with the address; or set RECBOLE_EXT_NOTIFY_URL")
    parser.add_argument("--notify-hosts", metavar="HOST,HOST", help="hosts that webhook may write to")
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="a yaml whose entries replace ours")
    parser.add_argument(
        "--poll-seconds", type=typed("poll-seconds"), default=2.0, metavar="S", help="pause between looks (default 2)"
    )
    parser.execute = watch_command


def watch_command(words: argparse.Namespace) -> int:
    """Execute `drift watch`; SIGINT and SIGTERM end it in good order, with code 0."""
    if (
        isinstance(words.poll_seconds, bool)
        or not isinstance(words.poll_seconds, int | float)
        or words.poll_seconds <= 0
    ):
        raise UsageError(f"--poll-seconds must be a number above 0 (got {words.poll_seconds!r})")
    from dataset_tools.drift.watch.options import WatchOptions
    from dataset_tools.drift.watch.watch import Watch
    from recbole_ext.evaluation.criteria import FAILED_EXIT_CODE

    options = WatchOptions(
        reference=words.reference,
        stream=words.stream,
        window=words.window,
        state=words.state,
        output=words.output,
        once=words.once,
        close_last=words.close_last,
        stop_at_drift=words.exit_code,
        thresholds=words.thresholds,
        poll_seconds=float(words.poll_seconds),
    )
    watch = Watch(options, _sender(words))
    with _stopping(watch):
        drifted = watch.run()
    return FAILED_EXIT_CODE if drifted and words.exit_code else 0


def _sender(words: argparse.Namespace) -> Callable[[str], None]:
    """What sends a message; one that cannot be sent is reported, and the watch goes on."""
    if words.notify is None:
        return lambda text: None
    hosts = [host.strip() for host in (words.notify_hosts or "").split(",") if host.strip()]
    if words.notify == "webhook" and not hosts:
        raise UsageError("--notify=webhook needs the hosts that may be written to: --notify-hosts=example.org")
    from recbole_ext.training.tracking.notify import event_text, message, notify_address, send

    address = notify_address(words.notify, words.notify_file, hosts)

    def tell(text: str) -> None:
        try:
            send(address, message(words.notify, event_text("drift", {"text": text})))
        except OSError as error:
            print(f"the message was not sent: {error}", file=sys.stderr, flush=True)

    return tell


@contextmanager
def _stopping(watch: "Watch") -> Iterator[None]:
    """SIGINT and SIGTERM end the watch after the line that it reads."""

    def stop(*_: object) -> None:
        watch.is_stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
