"""`watch`: a page of a run that is going on, which reloads itself."""

import argparse
from pathlib import Path

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of

SUMMARY = "write a page of a run that is going on, again and again"
TEXT = """Write live.html into the directory of a run that is going on, every few seconds; open it in a browser, which
reloads it. When the run is over it leads to the report."""


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "run", type=run_of, nargs="?", metavar="RUN", help="directory of a run; default: the newest one"
    )
    parser.add_argument(
        "--runs_dir", type=Path, default=Path("runs"), metavar="DIR", help="where the newest one is; default: runs"
    )
    parser.add_argument("--seconds", type=float, default=5.0, metavar="N", help="between two pages; default: 5")
    parser.execute = watch_command


def watch_command(words: argparse.Namespace) -> int:
    """Execute `watch`.

    Raises:
        UsageError: there is no such run, or none is going on.
        ResourceError: the page cannot be written.
    """
    from recbole_ext.report.live import newest_running, watch
    from recbole_ext.runs.recorded import require_run

    run = words.run or newest_running(words.runs_dir)
    require_run(run, "RUN")
    watch(run, words.seconds, lambda line: print(line, flush=True))
    return 0
