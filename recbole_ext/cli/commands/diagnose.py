"""`diagnose`: what a learning curve shows, with advice."""

import argparse
from pathlib import Path

from recbole_ext.cli.outputs import declare_output
from recbole_ext.cli.parser import Parser, mapping
from recbole_ext.errors import DataError

SUMMARY = "check the learning curve of a run, or of a csv file of any program, for known problems"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="RUN|FILE.csv", help="a run's directory, or a table of epochs")
    parser.add_argument(
        "--columns", type=mapping("columns", "{valid: val_loss}"), default={}, help="ours: theirs, for a csv file"
    )
    parser.add_argument(
        "--settings", type=mapping("settings", "{warmup_steps: 2000}"), default={}, help="of the run, for a csv file"
    )
    parser.add_argument("--reported", type=mapping("reported", "{rmse: 0.9}"), default={}, help="test metrics")
    parser.add_argument("--metric", default="", help="the metric that chose the weights")
    declare_output(parser, "FILE", "write the advice as a configuration file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.execute = diagnose_command


def diagnose_command(words: argparse.Namespace) -> int:
    """Execute `diagnose`; returns 0, whatever is found.

    Raises:
        DataError: a file of the run is damaged; what the others show is printed before.
    """
    from dataset_tools.files.claims import begins_with, require_free
    from recbole_ext.diagnosis.diagnose import ADVICE, diagnose, diagnosis_text

    if words.output:
        require_free(words.output, [words.file], begins_with(ADVICE), words.overwrite)
    found, curve = diagnose(words.file, words.columns, words.settings, words.reported, words.metric)
    print(diagnosis_text(found, curve, words.json, words.output))
    if curve.damage:
        raise DataError("\n".join(curve.damage))
    return 0
