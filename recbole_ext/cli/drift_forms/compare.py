"""`drift compare`: two runs on the same users, before one takes the place of the other."""

import argparse
import json
from pathlib import Path

from recbole_ext.cli.files import require_files
from recbole_ext.cli.outputs import declare_safe_csv
from recbole_ext.cli.parser import Parser, typed
from recbole_ext.cli.run_names import run_of
from recbole_ext.errors import UsageError

SUMMARY = "compare the lists of two runs for the same users, before a switch (docs/monitoring.md)"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "runs", nargs=2, type=run_of, metavar="RUN", help="directories: A serves now, B is to take over"
    )
    parser.add_argument("--users", required=True, type=Path, metavar="FILE", help="a file with a user per line")
    parser.add_argument("--k", type=typed("k"), default=10, metavar="N", help="items of a list (default 10)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder that is written: switch.json, page, users")
    parser.add_argument("--overwrite", action="store_true", help="replace a folder that this command wrote")
    declare_safe_csv(parser)
    parser.add_argument(
        "--null", type=Path, metavar="RUN", help="another seed of A; default: one of the same experiment"
    )
    parser.add_argument("--exclude-seen", action="store_true", help="leave out what a user has seen")
    parser.add_argument("--include-seen", action="store_true", help="keep it; default of both: as the protocol of A")
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="a yaml whose section switch overrides ours")
    parser.add_argument("--device", metavar="NAME", help="device; default: that of the runs, or the best one available")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--exit-code", action="store_true", help="exit with 6 where the runs differ beyond a threshold")
    parser.execute = compare_command


def compare_command(words: argparse.Namespace) -> int:
    """Execute `drift compare`."""
    from recbole_ext.runs.recorded import require_run

    for run in (*words.runs, *[words.null] * (words.null is not None)):
        require_run(run)
    require_files(words.users)
    if not isinstance(words.k, int) or isinstance(words.k, bool):
        raise UsageError(f"--k must be a whole number of at least 1 (got {words.k!r})")
    from dataset_tools.drift.verdict import DRIFT
    from dataset_tools.progress import waiting
    from recbole_ext.drift.switch.compare import SwitchOptions, compare_runs, lines
    from recbole_ext.evaluation.criteria import FAILED_EXIT_CODE
    from recbole_ext.serving.recommendation_files import remove_seen

    options = SwitchOptions(
        run_a=words.runs[0],
        run_b=words.runs[1],
        users=words.users,
        k=words.k,
        output=words.output,
        null=words.null,
        remove_seen=remove_seen(words.exclude_seen, words.include_seen),
        thresholds=words.thresholds,
        overwrite=words.overwrite,
        device=words.device,
        safe_csv=words.safe_csv,
    )
    with waiting("comparing"):
        facts = compare_runs(options).facts
    print(json.dumps(facts, indent=2) if words.json else "\n".join(lines(facts)))
    return FAILED_EXIT_CODE if words.exit_code and facts["verdict"] == DRIFT else 0
