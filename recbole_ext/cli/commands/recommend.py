"""`recommend`: the best items for users of a run, or for histories in a file."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.standard_streams import write_data
from recbole_ext.cli.files import is_file, require_files
from recbole_ext.cli.outputs import declare_output, declare_safe_csv, require_output
from recbole_ext.cli.parser import Parser, typed
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening
from recbole_ext.errors import UsageError

if TYPE_CHECKING:
    from recbole_ext.comparison.blend import Blend
    from recbole_ext.serving.bulk.question import Question
    from recbole_ext.serving.bulk.recommendations import Engine, Recommendations
    from recbole_ext.serving.run import Run

SUMMARY = "recommend items to users of a finished run, or to new users with a history"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", type=run_of, help="directory of a run of a ranking model")
    parser.add_argument("--runs", metavar="RUN,RUN,RUN", help="several runs in place of one, blended as ensemble does")
    parser.add_argument("--method", metavar="score|rank", help="of blending; default: score")
    parser.add_argument("--weights", type=typed("weights"), metavar="[W,W]", help="of --runs; default: from validation")
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
    parser.add_argument("--allow", type=Path, metavar="FILE", help="items that may be recommended, one per line")
    parser.add_argument("--deny", type=Path, metavar="FILE", help="items that may not be recommended, one per line")
    declare_output(parser, "FILE", ".tsv, .csv, .jsonl or .parquet; default: the terminal")
    declare_safe_csv(parser)
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="ray: several processes; same rows (default local)"
    )
    parser.add_argument("--workers", type=typed("workers"), metavar="N", help="of ray: processes; default: one per CPU")
    parser.add_argument("--ray-address", metavar="HOST:PORT", help="of ray: a running cluster; default: this machine")
    declare_opening(parser)
    parser.execute = recommend_command


def recommend_command(words: argparse.Namespace) -> int:
    """Execute `recommend`."""
    from recbole_ext.runs.recorded import require_run

    runs = _check(words)
    for run in runs:
        require_run(run)
    require_files(words.history, words.allow, words.deny)
    from dataset_tools.progress import waiting
    from recbole_ext.serving.bulk.table_files import check_format
    from recbole_ext.serving.recommendation_files import Inputs, remove_seen

    users = Path(words.users) if words.users != "all" and is_file(words.users) else None
    inputs = Inputs(users, words.history, words.allow, words.deny)
    check_format(words.output)
    require_output(words, inputs.files, ("rank", "score"))
    seen = remove_seen(words.exclude_seen, words.include_seen)
    with waiting("opening the run"):
        source = _opened(words, runs)
        more = {"k": words.k, "time": words.at, "remove_seen": seen}
        question = inputs.question(source.config, words.users, words.history_until, **more)
        found = source.recommendations(question, _engine(words, source, question))
    _answer(found, words.output, seen, words.safe_csv)
    return 0


def _check(words: argparse.Namespace) -> list[Path]:
    """The directories of the runs.

    Raises:
        UsageError: there are none, or options that do not go together.
    """
    runs = [run_of(name.strip()) for name in (words.runs or "").split(",") if name.strip()]
    if (words.run is None) == (not runs) or len(runs) == 1:
        raise UsageError("recommend needs --run=RUN for one run, or --runs=RUN,RUN for several that are blended")
    alone = [name for name in ("method", "weights") if getattr(words, name) is not None and not runs]
    if alone:
        raise UsageError(f"--{alone[0]} is for --runs=RUN,RUN; one run is not blended")
    of_ray = [name for name in ("workers", "ray_address") if getattr(words, name) is not None]
    if of_ray and words.engine != "ray":
        raise UsageError(f"--{of_ray[0].replace('_', '-')} is for --engine=ray (got --engine={words.engine})")
    count = words.workers
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise UsageError(f"--workers must be a whole number of at least 1 (got {count!r})")
    return runs or [words.run]


def _opened(words: argparse.Namespace, runs: list[Path]) -> "Run | Blend":
    from recbole_ext.serving.run import Run

    if len(runs) == 1:
        run = Run(runs[0], words.data_path, words.device)
        run.require("recommend")
        return run
    from recbole_ext.comparison.blend import Blend

    return Blend(runs, words.method, words.weights, words.data_path, words.device)


def _engine(words: argparse.Namespace, source: "Run | Blend", question: "Question") -> "Engine":
    from recbole_ext.serving.bulk.recommendations import ranked_here

    if words.engine == "local":
        return ranked_here
    from recbole_ext.cluster.ranking import ranked_on_ray

    return ranked_on_ray(source.opener, question, words.workers, words.ray_address)


def _answer(found: "Recommendations", output: Path | None, seen: bool | None, safe: bool) -> None:
    """Write the lists, and report on them on standard error."""
    why = "as the protocol of the run" if seen is None else "as asked"
    _report([f"seen items are {'left out' if found.removes_seen else 'kept'}, {why}"])
    _report([f"skipped     {text}" for text in found.skipped])
    if found.skipped:
        _report([f"skipped {len(found.skipped):,} in all; {found.n_users:,} users have a list"])
    _report(found.notes)
    reported = len(found.notes)
    if output is None:
        _print(found, safe)
    else:
        _write(found, output, safe)
    _report(found.notes[reported:])


def _report(lines: list[str]) -> None:
    print("".join(f"{line}\n" for line in lines), end="", file=sys.stderr)


def _print(found: "Recommendations", safe: bool) -> None:
    from dataset_tools.progress import Progress
    from recbole_ext.serving.bulk.safe_cells import safe_cells

    with Progress("recommending", found.n_users, enabled=not sys.stdout.isatty()) as bar:  # the lists are seen there
        for number, (lists, table) in enumerate(found.tables()):
            shown = safe_cells(table) if safe else table
            write_data(shown.write_csv(separator="\t", include_header=not number))
            bar.update(lists)


def _write(found: "Recommendations", output: Path, safe: bool) -> None:
    from dataset_tools.progress import Progress
    from recbole_ext.serving.bulk.table_files import table_file

    with table_file(output, safe) as file, Progress("recommending", found.n_users) as bar:
        for lists, table in found.tables():
            file.add(table)
            bar.update(lists)
    print(f"{output}: {found.n_rows:,} rows for {found.n_users - found.n_empty:,} users")
