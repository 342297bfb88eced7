"""`continue`: a finished run is trained further on rows that came after it."""

import argparse
from pathlib import Path

from recbole_ext.cli.files import require_files
from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening
from recbole_ext.errors import UsageError
from recbole_ext.typed_command import typed_command

SUMMARY = "train a finished run further on new rows, users and items (docs/continue.md)"
TEXT = (
    "Training goes on from the best weights of a run on its rows and new ones; known users and items keep their rows "
    "of the tables, new ones get their own. Leaves a run directory beside RUN, which is only read, with old and "
    "continued weights compared on the newest rows (continued.json). Keys over those of the run: --epochs=N, ..."
)
TAKES_KEYS = True


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=run_of, help="directory of a finished run")
    parser.add_argument(
        "--data", required=True, type=Path, metavar="FILE|DIR", help="new rows: .inter, or a data set's folder"
    )
    parser.add_argument(
        "--replay", default="1", metavar="SHARE", help="fraction of the old training targets to train on; default: 1"
    )
    for part, what in (("valid", "choose the epoch by"), ("test", "compare old and new weights on")):
        parser.add_argument(
            f"--{part}-share", default="0.1", metavar="SHARE", help=f"fraction of new rows to {what}; default: 0.1"
        )
    parser.add_argument(
        "--resume", nargs="?", const="newest", metavar="NAME", help="go on with a continued run that was interrupted"
    )
    parser.add_argument("--json", action="store_true", help="print continued.json")
    declare_opening(parser)
    parser.execute = continue_command


def continue_command(words: argparse.Namespace) -> int:
    """Execute `continue`."""
    from recbole_ext.runs.recorded import require_run

    require_run(words.run)
    if not words.data.is_dir():
        require_files(words.data)
    shares = {name: _share(name, getattr(words, name)) for name in ("replay", "valid_share", "test_share")}
    from recbole_ext.report.report import leave_report
    from recbole_ext.serving.continued.console import lines
    from recbole_ext.serving.continued.continue_run import FILE, Continuation, continue_run
    from recbole_ext.serving.continued.new_rows import Shares
    from recbole_ext.serving.run import Run

    how = Continuation(
        replay=shares["replay"],
        shares=Shares(shares["valid_share"], shares["test_share"]),
        settings=dict(words.keys),
        resume=words.resume,
        command=typed_command(),
        at_end=leave_report,
    )
    folder = continue_run(Run(words.run, words.data_path, words.device).loaded, words.data, how)
    text = (folder / FILE).read_text(encoding="utf-8")
    import json

    print(text.rstrip() if words.json else "\n".join([*lines(json.loads(text)), f"run         {folder}"]))
    return 0


def _share(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--{name.replace('_', '-')} must be a number (got {text!r})") from None
