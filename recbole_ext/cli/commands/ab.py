"""`ab`: two groups of users who got recommendations from two models."""

import argparse
import json
from pathlib import Path

from recbole_ext.cli.parser import Parser, typed

SUMMARY = "compare the outcomes of two groups of users (docs/monitoring.md)"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "logs",
        nargs=2,
        type=Path,
        metavar="LOG",
        help="logs of groups A and B: JSON lines, a table, a state directory of serve",
    )
    parser.add_argument("--metric", metavar="NAME", help="metric of the verdict; default: outcome, else clicked_lists")
    parser.add_argument(
        "--fraction-a",
        type=typed("fraction-a"),
        default=0.5,
        metavar="P",
        help="probability with which users were assigned to A (default 0.5)",
    )
    parser.add_argument(
        "--minimum-effect", metavar="D", help="smallest difference that matters: 0.01, or in percent of A"
    )
    parser.add_argument(
        "--within", default="1d", metavar="SPAN", help="time after a list in which an action counts (default 1d)"
    )
    parser.add_argument(
        "--leave-out-both", action="store_true", help="leave out users who are in both groups; default: refuse"
    )
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="a yaml whose section ab overrides ours")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.execute = ab_command


def ab_command(words: argparse.Namespace) -> int:
    """Execute `ab`; returns 0, whatever is found."""
    from dataset_tools.drift.ab.trial import TrialOptions, compare_groups, lines
    from dataset_tools.progress import waiting
    from dataset_tools.split.cut_words import parse_span

    options = TrialOptions(
        log_a=words.logs[0],
        log_b=words.logs[1],
        metric=words.metric,
        fraction_a=words.fraction_a,
        minimum_effect=words.minimum_effect,
        within=parse_span(words.within, "--within"),
        leave_out_both=words.leave_out_both,
        thresholds=words.thresholds,
    )
    with waiting("comparing the groups"):
        trial = compare_groups(options)
    print(json.dumps(trial.facts, indent=2) if words.json else "\n".join(lines(trial)))
    return 0
