"""`drift`: a trained model on later windows (`--run`), two runs before a switch (`compare`), a stream (`watch`)."""

import argparse
from pathlib import Path

from recbole_ext.cli.drift_forms.forms import declare_forms
from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_names import run_of
from recbole_ext.cli.run_settings import declare_opening
from recbole_ext.errors import UsageError
from recbole_ext.typed_command import typed_command

SUMMARY = "measure how a trained model ages; compare two before a switch; watch a stream"
TEXT = (
    "Evaluate a finished run, not retrained, on consecutive windows of later interactions, beside baselines that are "
    "refitted before each window; report the decay, a verdict and whether to retrain. Writes drift.json and pages. "
    "Two runs before a switch: drift compare; a stream of new interactions: drift watch."
)


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("--run", required=True, type=run_of, help="directory of a finished run")
    parser.add_argument(
        "--future",
        required=True,
        metavar="FILE|DIR|CUT",
        help="later interactions; or, of a run on divided data: test, a time, or the fraction that is past (0.8)",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder to write")
    parser.add_argument("--windows", metavar="SPAN", help="length of the windows: 30d, 1w, 12h; default: one window")
    parser.add_argument(
        "--users", type=int, metavar="N", help="evaluate a sample, of each window at least N users; default: as the run"
    )
    for name, what in (("retrain", "train the run again"), ("fine-tune", "train the run's weights further")):
        parser.add_argument(
            f"--{name}", nargs="?", const="1", metavar="N", help=f"{what} up to each window, or each N-th one"
        )
    parser.add_argument("--fine-tune-epochs", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--cost", type=float, metavar="X", help="what retraining must gain, in units of the metric")
    parser.add_argument("--thresholds", type=Path, metavar="FILE", help="yaml that overrides single thresholds")
    parser.add_argument("--no-data-drift", action="store_true", help="leave the comparison of the data out")
    parser.add_argument("--fail-on-drift", action="store_true", help="exit with 6 if the verdict is DRIFT")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier measurement")
    declare_opening(parser)
    declare_forms(parser)
    parser.execute = drift_command


def drift_command(words: argparse.Namespace) -> int:
    """Execute `drift --run`."""
    from recbole_ext.runs.recorded import require_run

    require_run(words.run)
    from recbole_ext.drift.options import ModelDriftOptions
    from recbole_ext.evaluation.criteria import FAILED_EXIT_CODE

    if words.fine_tune_epochs < 1:
        raise UsageError(f"--fine-tune-epochs must be at least 1 (got {words.fine_tune_epochs})")
    if words.cost is not None and not 0 <= words.cost < float("inf"):
        raise UsageError(f"--cost must be a number from 0, in units of the metric (got {words.cost:g})")
    options = ModelDriftOptions(
        run=words.run,
        future=words.future,
        output=words.output,
        windows=words.windows,
        users=words.users,
        retrain=_every("retrain", words.retrain),
        fine_tune=_every("fine-tune", words.fine_tune),
        fine_tune_epochs=words.fine_tune_epochs,
        cost=words.cost,
        thresholds=words.thresholds,
        data_drift=not words.no_data_drift,
        overwrite=words.overwrite,
        data_path=words.data_path,
        device=words.device,
    )
    from recbole_ext.drift.console import summary_lines
    from recbole_ext.drift.measure import measure
    from recbole_ext.host_warnings import without_host_warnings

    with without_host_warnings():
        report = measure(options, typed_command())
    print("\n".join([*summary_lines(report), f"report      {words.output / 'drift.json'}"]))
    drifted = words.fail_on_drift and report["verdict"]["state"] == "DRIFT"
    return FAILED_EXIT_CODE if drifted else 0


def _every(name: str, text: str | None) -> int:
    """Every how many windows; 0 where it is not asked for."""
    if text is None:
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--{name}={text}: every how many windows? give a whole number from 1, or --{name} alone")
    return int(text)
