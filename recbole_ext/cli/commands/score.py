"""`score`: click probabilities for a file of users, items and times."""

import argparse
from pathlib import Path

from recbole_ext.cli.files import require_files
from recbole_ext.cli.outputs import declare_output, declare_safe_csv, require_output
from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening

SUMMARY = "predict click probabilities for the rows of a file"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=run_of, help="directory of a finished run of a click model")
    parser.add_argument("--input", required=True, type=Path, help="a tab-separated table: users, items, times")
    declare_output(parser, "FILE", ".tsv, .csv, .jsonl or .parquet; default: INPUT.scored.tsv")
    declare_safe_csv(parser)
    declare_opening(parser)
    parser.execute = score_command


def score_command(words: argparse.Namespace) -> int:
    """Execute `score`."""
    from recbole_ext.runs.recorded import require_run

    require_run(words.run)
    require_files(words.input)
    target = words.output or words.input.with_name(f"{words.input.stem}.scored.tsv")
    from dataset_tools.progress import waiting
    from recbole_ext.serving.bulk.table_files import check_format
    from recbole_ext.serving.score import score

    require_output(words, [words.input], ("probability",), target)
    check_format(words.output)
    with waiting("scoring"):
        rows = score(words.run, words.input, target, words.data_path, words.device, words.safe_csv)
    print(f"{target}: {rows:,} rows with their probability")
    return 0
