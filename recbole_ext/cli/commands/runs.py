"""`runs`: the runs of a folder as a list, a page or JSON; tags and notes of runs; runs that are removed."""

import argparse
from pathlib import Path

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of

SUMMARY = "list the runs of a folder; tag them, remove them"
TEXT = """List the runs of a folder, the newest first or the best by a metric of the test split. --html also writes
index.html, a page that sorts. Metrics of different protocols or data sets are not comparable: see compare."""
_MOST = 20


def declare(parser: Parser) -> None:
    """Declare the options."""
    _add_folder(parser)
    parser.add_argument("--model", default="", metavar="NAME", help="runs of one model")
    parser.add_argument("--dataset", default="", metavar="NAME", help="runs on one data set")
    parser.add_argument("--tag", default="", metavar="TAG", help="runs with a tag")
    parser.add_argument("--sort", default="", metavar="METRIC", help="the best on test first, for instance ndcg@10")
    parser.add_argument("--last", type=int, default=_MOST, metavar="N", help=f"how many; default: {_MOST}, 0 for all")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.add_argument("--html", action="store_true", help="write index.html into the folder")
    parser.execute = runs_command
    _declare_tag(parser.command("tag", "add tags and a note to runs, or remove tags"))
    removed = parser.command("rm", "move runs into the folder .trash beside them")
    _add_runs(removed)
    removed.execute = rm_command
    tidied = parser.command("tidy", "move runs that ended before their first epoch into the folder .trash")
    _add_folder(tidied)
    tidied.execute = tidy_command


def _declare_tag(parser: Parser) -> None:
    _add_runs(parser)
    parser.add_argument("--add", default="", metavar="TAG,TAG", help="tags to add")
    parser.add_argument("--remove", default="", metavar="TAG,TAG", help="tags to remove")
    parser.add_argument("--note", metavar="TEXT", help='a sentence in place of the note; "" for none')
    parser.execute = tag_command


def _add_folder(parser: Parser) -> None:
    parser.add_argument(
        "--runs_dir", type=Path, default=Path("runs"), metavar="DIR", help="folder of the runs; default: runs"
    )


def _add_runs(parser: Parser) -> None:
    parser.add_argument("runs", type=run_of, nargs="+", metavar="RUN", help="directories of runs")


def runs_command(words: argparse.Namespace) -> int:
    """Execute `runs`.

    Raises:
        UsageError: there is no such folder or metric, or a negative number of runs is asked for.
        DataError: a file of a listed run is damaged; the list is printed before.
        ResourceError: the page cannot be written.
    """
    import json

    from recbole_ext.errors import DataError
    from recbole_ext.runs.run_list import Asked, list_runs

    asked = Asked(words.last, words.model, words.dataset, words.tag, words.sort)
    found = list_runs(words.runs_dir, asked)
    print(json.dumps(found.as_list(), indent=2) if words.json else "\n".join(found.lines()))
    if words.html:
        from recbole_ext.report.runs_page import write_runs_page

        print(f"page        {write_runs_page(found)}")
    if found.damage:
        raise DataError("\n".join(found.damage))
    return 0


def tag_command(words: argparse.Namespace) -> int:
    """Execute `runs tag`.

    Raises:
        UsageError: nothing is to be changed, a directory is no run's, or a tag cannot be one.
        DataError, ResourceError: marks are damaged, or cannot be written.
    """
    from recbole_ext.errors import UsageError
    from recbole_ext.runs.marks import mark
    from recbole_ext.runs.recorded import require_run

    add, remove = (text.split(",") if text else [] for text in (words.add, words.remove))
    if not add and not remove and words.note is None:
        raise UsageError("runs tag: nothing to change; give --add=TAG, --remove=TAG or --note=TEXT")
    for run in words.runs:
        require_run(run, "RUN")
    for run in words.runs:
        marks = mark(run, add, remove, words.note)
        print(f"{run.name}: {' '.join(marks.tags) or 'no tag'}" + (f"; {marks.note}" if marks.note else ""))
    return 0


def rm_command(words: argparse.Namespace) -> int:
    """Execute `runs rm`.

    Raises:
        UsageError, ResourceError: see `remove_runs`.
    """
    from recbole_ext.places import from_here
    from recbole_ext.runs.trash import remove_runs

    for place in remove_runs(words.runs):
        print(f"moved to {from_here(place)}")
    return 0


def tidy_command(words: argparse.Namespace) -> int:
    """Execute `runs tidy`.

    Raises:
        UsageError, ResourceError: there is no such folder, or a run cannot be moved.
    """
    from recbole_ext.places import from_here
    from recbole_ext.runs.trash import remove_runs, without_anything

    places = remove_runs(without_anything(words.runs_dir))
    print("\n".join(f"moved to {from_here(place)}" for place in places) or f"{words.runs_dir}: nothing to tidy")
    return 0
