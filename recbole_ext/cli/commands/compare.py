"""`compare`: finished runs and experiments in one table."""

import argparse
import shlex
import sys

from recbole_ext.cli.files import repeating_command
from recbole_ext.cli.outputs import declare_output
from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import entry_of

SUMMARY = "compare finished runs and experiments, with tests over users and seeds"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "runs", nargs="+", type=entry_of, metavar="RUN|EXPERIMENT", help="directories; A,B,C are seeds of one entry"
    )
    parser.add_argument("--metric", metavar="NAMES", help="ndcg@10,... or all; default: that of validation")
    parser.add_argument("--baseline", metavar="NAME", help="the entry that the others are compared with")
    declare_output(parser, "FILE.html", "the page; default: beside the runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.execute = compare_command


def compare_command(words: argparse.Namespace) -> int:
    """Execute `compare`; returns 0, whatever is found."""
    from recbole_ext.experiments.named_runs import require_runs

    require_runs(words.runs)
    from dataset_tools.files.claims import is_page, require_free

    if words.output:
        require_free(words.output, [], is_page, words.overwrite)
    from dataset_tools.progress import waiting
    from recbole_ext.comparison.compare import as_json, beside, compare, lines
    from recbole_ext.comparison.page import page
    from recbole_ext.places import from_here

    metrics = [name.strip().lower() for name in words.metric.split(",")] if words.metric else None
    with waiting("comparing"):
        found = compare(words.runs, metrics, words.baseline or None)
    command = shlex.join(repeating_command("compare", words.runs, words, ("metric", "baseline", "output")))
    output = words.output or beside(words.runs[0], command)
    try:
        print(as_json(found) if words.json else "\n".join(lines(found)), flush=True)
    finally:  # each of the two is there where the other cannot be written
        page(found, command, output).write(output)
    print(f"page        {from_here(output)}", file=sys.stderr)
    return 0
