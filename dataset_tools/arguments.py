"""The arguments of the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from dataset_tools.convert.table.arguments import declare_columns
from dataset_tools.drift.options import REFERENCES
from dataset_tools.engines.choice import ENGINES
from dataset_tools.errors import UsageError
from dataset_tools.files.dataset_files import with_name
from dataset_tools.sources import RELEASES
from dataset_tools.sources.label_definitions import DEFINITIONS, LABELS, NEGATIVES, SAMPLE_NEGATIVES
from dataset_tools.sources.release import ORDERS
from dataset_tools.split.cut_words import PRESETS
from dataset_tools.times.clocks import UNITS

TABLE = "convert table"
"""A command of two words; `joined` makes them one argument."""


class Parser(argparse.ArgumentParser):
    """A parser whose error message is one sentence and a pointer to the help."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with the code of a usage error."""
        print(f"error: {message}\nall options: {self.prog} --help", file=sys.stderr)
        sys.exit(UsageError.exit_code)


def whole_number(text: str) -> int:
    """A whole number from 0.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a whole number from 0 is required (got {text})")
    return int(text)


def build_parser() -> argparse.ArgumentParser:
    """The parser of `recbole-data`."""
    parser = Parser(
        prog="recbole-data",
        description="Raw MovieLens and Taobao logs to exact, checked atomic files for RecBole.",
    )
    shared = Parser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    shared.add_argument("--quiet", action="store_true", help="no progress bar and no summary")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _convert(commands.add_parser("convert", parents=[shared], help="a raw release -> atomic files"))
    _table(commands.add_parser(TABLE, parents=[shared], help="a table of one's own -> atomic files"))
    _split(commands.add_parser("split", parents=[shared], help="a data set -> past and future, by time"))
    _ads(commands.add_parser("ads", parents=[shared], help="Ali_Display_Ad_Click -> a data set cut by day"))
    _sample(commands.add_parser("sample", parents=[shared], help="a log -> click samples with histories"))
    _times(commands.add_parser("times", parents=[shared], help="a data set -> the same with times in seconds"))
    _describe(commands.add_parser("describe", parents=[shared], help="tables and charts of data sets"))
    _validate(commands.add_parser("validate", parents=[shared], help="check a data set before training"))
    _drift(commands.add_parser("drift", parents=[shared], help="how later interactions differ from earlier ones"))
    _profile(
        commands.add_parser("profile", parents=[shared], help="counts of a data set, for `recbole-ext drift watch`")
    )
    return parser


def joined(arguments: Sequence[str]) -> list[str]:
    """`convert table` as one argument, because its options are not those of the releases."""
    words = TABLE.split()
    return [TABLE, *arguments[2:]] if list(arguments[:2]) == words else list(arguments)


def _convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("release", choices=sorted(RELEASES), metavar="RELEASE", help=", ".join(RELEASES))
    parser.add_argument("--input", type=Path, help="zip, folder or file of the release")
    _result(parser, "of the data set (default: the release's name)")
    parser.add_argument("--download", action="store_true", help="fetch the zip to OUTPUT/downloads first")
    parser.add_argument("--url", help="another address of the same zip; its digest is checked all the same")
    order = "of the rows; file: as in the raw file, which RecBole's own files keep (default: time)"
    parser.add_argument("--order", choices=ORDERS, default="time", help=order)
    parser.add_argument("--max-rejected", default="0.1%", help="stop when more rows fail (default: 0.1%%)")
    parser.add_argument("--tags", action="store_true", help="add the most frequent tags to the items")
    parser.add_argument("--links", action="store_true", help="add IMDb and TMDB ids to the items")
    meaning = "; ".join(f"{name}: {DEFINITIONS[name]}" for name in LABELS)
    parser.add_argument("--label", choices=LABELS, help=f"Taobao: label instead of behavior. {meaning}")
    parser.add_argument("--negatives", choices=NEGATIVES, default="uniform", help="how --label click samples negatives")
    parser.add_argument("--per-behaviour", action="store_true", help="Taobao: one more file per behavior")
    parser.add_argument("--sample-users", type=float, default=1.0, help="Taobao: fraction of users to keep")
    parser.add_argument("--seed", type=whole_number, default=2020, help="of the sample and of sampled negatives")
    parser.add_argument("--threads", type=whole_number, default=0, help="of the local engine (default: up to 4)")
    _engine(parser)


def _table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--input", type=Path, nargs="+", required=True, help="csv, tsv, json lines (.gz, .zst), parquet"
    )
    _result(parser, "of the data set (default: the name of the first file)")
    declare_columns(parser)
    parser.add_argument("--encoding", default="utf-8", help="of text files, such as latin-1 (default: utf-8)")
    parser.add_argument("--threads", type=whole_number, default=0, help="of the local engine (default: up to 4)")
    _engine(parser)


def _result(parser: argparse.ArgumentParser, name: str, default: str = "") -> None:
    parser.add_argument("--output", type=Path, required=True, help="folder of data sets; writes OUTPUT/NAME/")
    parser.add_argument("--name", default=default, help=name)
    parser.add_argument("--overwrite", action="store_true", help="replace a data set of that name")


def _engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", choices=ENGINES, default="local", help="where the work runs")
    parser.add_argument("--ray-address", help="of a Ray cluster (default: start a local Ray)")


def _fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user-field", default="user_id", help="name of the user field")
    parser.add_argument("--item-field", default="item_id", help="name of the item field")
    parser.add_argument("--time-field", default="timestamp", help="name of the time field")
    parser.add_argument("--time-unit", choices=UNITS, default="seconds", help="what the times count since 1970")


def _split(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=with_name, help="folder of a data set, or its .inter file")
    _result(parser, "of the result (default: <input>-cut)")
    cut = parser.add_mutually_exclusive_group(required=True)
    cut.add_argument("--at", help="first moment of the future, such as 2015-03-31T06:40:03Z")
    cut.add_argument("--at-timestamp", dest="at", help="the same in Unix seconds")
    cut.add_argument("--ratio", help="fraction of the interactions in the past, such as 0.8")
    cut.add_argument("--preset", help="a named cut: " + ", ".join(PRESETS))
    cut.add_argument(
        "--after", type=with_name, metavar="OLDER", help="an older release of the same log: cut at its end"
    )
    parser.add_argument("--valid", default="0.1", help="last fraction of the past, a time, or none (default: 0.1)")
    parser.add_argument("--windows", help="also split the future into windows of this length, such as 30d")
    parser.add_argument("--min-user", type=int, default=1, help="rows in the past that a user needs")
    parser.add_argument("--min-item", type=int, default=1, help="rows in the past that an item needs")
    parser.add_argument("--future", choices=("all", "warm"), default="all", help="future rows to keep")
    parser.add_argument("--renumber", action="store_true", help="ids as numbers from 1, fitted on the past")
    _fields(parser)


def _ads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=Path, required=True, help="folder of the log's csv files")
    _result(parser, "of the data set (default: taobao-ad)", default="taobao-ad")


def _sample(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=with_name, help="folder of a converted log, or its .inter file")
    _result(parser, "of the result (default: <input>-<negatives>)")
    parser.add_argument(
        "--negatives", choices=SAMPLE_NEGATIVES, default="uniform", help="how negative items are sampled"
    )
    parser.add_argument("--seed", type=whole_number, default=2020, help="of the random labels and sampled items")
    parser.add_argument("--history", type=int, default=100, help="events before the sample at most (default: 100)")
    parser.add_argument("--every", type=int, help="one row per user and window of so many events, not one per user")
    parser.add_argument("--match", default="", help="--negatives matched: a column of .item that negatives share")


def _times(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=with_name, help="folder of a data set, cut or not")
    _result(parser, "of the result (default: <input>-seconds)")
    parser.add_argument("--time-field", default="timestamp", help="the column to convert")
    parser.add_argument("--time-unit", choices=UNITS, default="seconds", help="what its numbers count; dates need none")


def _describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=with_name, nargs="+", help="folders of data sets, or .inter files")
    parser.add_argument("--html", type=Path, help="write one self-contained page with charts")
    parser.add_argument("--json", type=Path, help="write the numbers")
    parser.add_argument("--overwrite", action="store_true", help="replace files that another program wrote")
    parser.add_argument("--threads", type=whole_number, default=0, help="of the local engine (default: up to 4)")
    _engine(parser)
    _fields(parser)


def _validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=with_name, help="folder of a data set, or its .inter file")
    _fields(parser)


def _drift(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--past", type=with_name, required=True, help="folder of a data set, or its .inter file")
    parser.add_argument("--future", type=with_name, help="the same of the later interactions")
    parser.add_argument("--cut", help="for one data set: first moment of the future, or the fraction that is past")
    parser.add_argument("--output", type=Path, required=True, help="folder that is written: drift.json, drift.html")
    parser.add_argument("--overwrite", action="store_true", help="replace a folder this command wrote")
    parser.add_argument("--windows", help="windows of the future of this length, such as 30d (default: one window)")
    parser.add_argument("--reference", choices=REFERENCES, default="past", help="what each window is compared with")
    _measured(parser)
    _engine(parser)
    _fields(parser)


def _measured(parser: argparse.ArgumentParser) -> None:
    """How drift is measured."""
    parser.add_argument("--thresholds", type=Path, help="a yaml whose entries replace those of thresholds.yaml")
    parser.add_argument("--value-field", help="ratings, labels or behaviours (default: found by the usual names)")
    parser.add_argument("--category-field", help="categories, of rows or of items (default: the same)")
    parser.add_argument("--utc-offset", default="+00:00", help="of the hours and days, such as +08:00")
    parser.add_argument("--seed", type=whole_number, default=2020, help="of the random assignments")
    parser.add_argument("--threads", type=whole_number, default=0, help="of the local engine (default: up to 4)")


def _profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("past", type=Path, metavar="input", help="folder of a data set, or its .inter file")
    parser.add_argument("--output", type=Path, required=True, help="file that is written")
    parser.add_argument("--overwrite", action="store_true", help="replace a file")
    parser.add_argument("--window", default="1d", help="length of the windows that will be watched (default: 1d)")
    parser.add_argument(
        "--with-users", action="store_true", help="also rows by hashed user, so that unknown users are recognised"
    )
    _measured(parser)
    _fields(parser)
