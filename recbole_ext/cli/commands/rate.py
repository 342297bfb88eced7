"""`rate`: predicted ratings for the pairs of a file, or for a new user and all items."""

import argparse
from pathlib import Path

from dataset_tools.standard_streams import write_data
from recbole_ext.cli.files import require_files
from recbole_ext.cli.outputs import declare_output, declare_safe_csv, require_output
from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening
from recbole_ext.errors import UsageError

SUMMARY = "predict ratings for pairs of users and items, or for a new user with a history"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--run",
        required=True,
        type=_runs,
        metavar="RUN[,RUN...]",
        help="finished runs; several are averaged",
    )
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="user_id and item_id of each pair")
    parser.add_argument("--history", type=Path, metavar="FILE", help="item_id and rating of a new user")
    declare_output(parser, "FILE", ".tsv, .csv, .jsonl or .parquet; default: the terminal")
    declare_safe_csv(parser)
    declare_opening(parser)
    parser.execute = rate_command


def _runs(text: str) -> list[Path]:
    return [run_of(name) for name in text.split(",") if name]


def rate_command(words: argparse.Namespace) -> int:
    """Execute `rate`."""
    if not words.run or not (words.pairs or words.history):
        raise UsageError("rate needs --run=RUN and --pairs=FILE, --history=FILE, or both")
    from recbole_ext.runs.recorded import require_run

    for run in words.run:
        require_run(run)
    require_files(words.pairs, words.history)
    from dataset_tools.progress import waiting
    from recbole_ext.serving.bulk.safe_cells import safe_cells
    from recbole_ext.serving.bulk.table_files import check_format, table_file
    from recbole_ext.serving.rating_files import rated_pairs

    require_output(words, [words.pairs, words.history], ("prediction", "std"))
    check_format(words.output)
    with waiting("rating"):
        rated = rated_pairs(words.run, words.pairs, words.history, words.data_path, words.device)
    if words.output is None:
        write_data((safe_cells(rated) if words.safe_csv else rated).write_csv(separator="\t"))
        return 0
    with table_file(words.output, words.safe_csv) as file:
        file.add(rated)
    print(f"{len(rated):,} pairs in {words.output}")
    return 0
