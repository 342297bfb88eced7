"""`report`: the report page and the model card of a run."""

import argparse

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of

SUMMARY = "write the report and the model card of a run"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=run_of, metavar="RUN", help="the run's directory")
    parser.add_argument("--data_path", metavar="DIR", help="data to compare with that of the run")
    parser.execute = report_command


def report_command(words: argparse.Namespace) -> int:
    """Execute `report`."""
    from recbole_ext.report.report import require_its_data, summary_of, write_report

    if words.data_path:
        require_its_data(words.run, words.data_path)
    path, found = write_report(words.run)
    print("\n".join([*summary_of(found), f"report      {path}", f"model card  {path.with_name('model_card.md')}"]))
    return 0
