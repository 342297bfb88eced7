"""`evaluate`: a finished run on interactions that came later."""

import argparse
import json
import sys
from pathlib import Path

from recbole_ext.cli.files import require_files
from recbole_ext.cli.outputs import declare_output, declare_safe_csv
from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening
from recbole_ext.errors import UsageError

SUMMARY = "evaluate a finished run on later interactions (docs/evaluate.md)"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=run_of, help="directory of a finished run")
    parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="FILE|DIR",
        help="later interactions: .inter, or a data set's folder",
    )
    parser.add_argument(
        "--history", type=Path, metavar="FILE|DIR", help="interactions in between: known, not evaluated"
    )
    parser.add_argument(
        "--test-rows", action="store_true", help="evaluate rows of the run's own test too; default: leave them out"
    )
    parser.add_argument("--users", type=int, metavar="N", help="draw N users, evaluate those; default: as in the test")
    parser.add_argument("--no-baselines", action="store_true", help="leave the run's non-learned baselines out")
    declare_output(parser, "FILE.json", "write the result as JSON too")
    parser.add_argument(
        "--per-row", type=Path, metavar="FILE", help="write a row per interaction: .tsv, .csv, .jsonl or .parquet"
    )
    declare_safe_csv(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    declare_opening(parser)
    parser.execute = evaluate_command


def evaluate_command(words: argparse.Namespace) -> int:
    """Execute `evaluate`."""
    from recbole_ext.runs.recorded import require_run

    require_run(words.run)
    for given in (words.data, words.history):
        if given is None or not given.is_dir():
            require_files(given)
    _require_outputs(words)
    from dataset_tools.progress import waiting
    from recbole_ext.serving.later.report import later_report, lines
    from recbole_ext.serving.later.rows_file import write_rows
    from recbole_ext.serving.run import Run

    run = Run(words.run, words.data_path, words.device)
    baselines = not words.no_baselines
    with waiting("evaluating"):
        report, table = later_report(run, words.data, words.history, words.test_rows, baselines, words.users)
    text = json.dumps(report, indent=2, allow_nan=False)
    print(text if words.json else "\n".join(lines(report)))
    if words.per_row:
        print(f"{words.per_row}: {write_rows(words.per_row, table, words.safe_csv):,} rows", file=sys.stderr)
    if words.output:
        from recbole_ext.files import write_atomically

        write_atomically(words.output, f"{text}\n".encode())
        print(words.output, file=sys.stderr)
    return 0


def _require_outputs(words: argparse.Namespace) -> None:
    """Refuse files that must not be written, before anything is computed."""
    from dataset_tools.files.claims import json_with, require_free, table_ending_with
    from recbole_ext.serving.bulk.table_files import check_format
    from recbole_ext.serving.later.rows_file import LAST

    read = [words.data, words.history]
    if words.output:
        if words.output.suffix != ".json":
            raise UsageError(
                f"--output is written as JSON and must end in .json (got {str(words.output)!r}); --per-row=FILE writes "
                "tables"
            )
        require_free(words.output, read, json_with("kind", "own_test", "later"), words.overwrite)
    if words.per_row:
        check_format(words.per_row, "--per-row")
        require_free(words.per_row, read, table_ending_with(*LAST), words.overwrite, "--per-row")
