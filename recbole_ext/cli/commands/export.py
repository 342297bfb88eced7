"""`export`: a run for other programs."""

import argparse
from pathlib import Path

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening

SUMMARY = "write a run for other programs: ONNX graphs, vectors, splits"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=run_of, help="directory of a run")
    parser.add_argument("--format", required=True, metavar="onnx|vectors|split", help="what is written")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="a new directory")
    declare_opening(parser)
    parser.execute = export_command


def export_command(words: argparse.Namespace) -> int:
    """Execute `export`."""
    from dataset_tools.progress import waiting
    from recbole_ext.runs.recorded import require_run
    from recbole_ext.serving.export.formats import require_format, require_new

    require_format(words.format)
    require_run(words.run)
    require_new(words.output)
    from recbole_ext.serving.run import Run

    with waiting("exporting"):
        done = Run(words.run, words.data_path, words.device).export(words.format, words.output)
    print("\n".join([*(f"note        {text}" for text in done.notes), *(f"file        {name}" for name in done.files)]))
    print(f"{done.folder}: {len(done.files)} files and manifest.json")
    return 0
