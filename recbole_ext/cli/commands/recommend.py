"""`recommend`: the best items for users of a run, or for histories in a file."""

import argparse
import sys
from pathlib import Path

from recbole_ext.cli.files import require_files
from recbole_ext.cli.parser import Parser, typed
from recbole_ext.cli.run_settings import declare_opening

SUMMARY = "recommend items to users of a finished run, or to new users with a history"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=Path, help="directory of a finished run of a ranking model")
    parser.add_argument(
        "--users", default="all", metavar="FILE|ID,ID|all", help="a file with a user per line, ids, or all (default)"
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="events in place of the run's: users, items and times, with a header",
    )
    parser.add_argument("--k", type=typed("k"), default=10, metavar="N", help="items for each user (default 10)")
    parser.add_argument(
        "--at", type=typed("at"), metavar="SECONDS", help="time of the recommendation, for models that read it"
    )
    parser.add_argument(
        "--history-until",
        choices=("train", "valid", "all"),
        default="all",
        help="train or valid: what the evaluation of validation or test ranked; all (default): after all events",
    )
    parser.add_argument("--exclude-seen", action="store_true", help="leave out what a user has seen")
    parser.add_argument("--include-seen", action="store_true", help="keep it; default of both: as the run's protocol")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help=".tsv, .csv, .jsonl or .parquet; default: the terminal"
    )
    declare_opening(parser)
    parser.execute = recommend_command


def recommend_command(words: argparse.Namespace) -> int:
    """Execute `recommend`."""
    from recbole_ext.runs.recorded import require_run

    require_run(words.run)
    require_files(words.history)
    from recbole_ext.serving.recommendation_files import check_output, recommended, remove_seen, write_table
    from recbole_ext.serving.run import Run

    check_output(words.output)
    seen = remove_seen(words.exclude_seen, words.include_seen)
    run = Run(words.run, words.data_path, words.device)
    table, lines = recommended(run, words.users, words.history, words.k, words.history_until, words.at, seen)
    print("\n".join(lines), file=sys.stderr)
    if words.output is None:
        print(table.to_csv(sep="\t", index=False), end="")
        return 0
    write_table(table, words.output)
    print(f"{words.output}: {len(table):,} rows for {table.iloc[:, 0].nunique():,} users")
    return 0
