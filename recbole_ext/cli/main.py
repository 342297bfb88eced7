"""Words into calls; errors into one plain message and an exit code.

run_recbole_ext.py --model=M --dataset=D [--config_files="a.yaml b.yaml"] [--key=value | --key value ...]
run_recbole_ext.py --model=M --dataset=D --resume | --resume=RUN
run_recbole_ext.py --model=M --dataset=D --dry_run
run_recbole_ext.py import-checkpoint FILE.pth --model=M --dataset=D --i-trust-this-file
run_recbole_ext.py metric-audit FILE [--train=FILE] [--dataset=NAME] [--reported="{rmse: 0.9}"]
run_recbole_ext.py rate --run=RUN[,RUN...] [--history=FILE] [--pairs=FILE] [--output=FILE] [--data_path=DIR]
run_recbole_ext.py score --run=RUN --input=FILE [--output=FILE] [--data_path=DIR]
run_recbole_ext.py diagnose RUN|metrics.csv [--columns="{valid: val_loss}"] [--settings="{...}"] [--json]
run_recbole_ext.py report RUN [--data_path=DIR]
run_recbole_ext.py compare RUN|EXPERIMENT ... [--metric=ndcg@10,...|all] [--baseline=NAME] [--json] [--output=FILE.html]
run_recbole_ext.py ensemble RUN|EXPERIMENT ... [--method=mean|score|rank] [--weights="[0.5, 0.5]"] [--output=DIR]
                            [--data_path=DIR]
run_recbole_ext.py --model=M --dataset=D --seeds=42,123,456
run_recbole_ext.py experiment create|run|list|show|import ...
run_recbole_ext.py tune --model=M --dataset=D --space=FILE|NAME [--trials=N] [--metric=ndcg@10] [--key=value ...]
run_recbole_ext.py tune --resume | --resume=NAME
run_recbole_ext.py --model=M --help
run_recbole_ext.py doctor [--quick]
run_recbole_ext.py --version
"""

import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext import __version__
from recbole_ext.cli.command_line import Words, parse
from recbole_ext.cli.console import quiet_host
from recbole_ext.errors import RecBoleExtError, UsageError, reported, unwrapped
from recbole_ext.redact import redact_text, remember_words

if TYPE_CHECKING:
    from recbole_ext.config.config import Config


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 2 usage, 3 data, 4 resources, 5 non-finite numbers, 6 a criterion failed and nothing else, 130 interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    remember_words(arguments)
    quiet_host()
    if not debug:
        warnings.filterwarnings("ignore", module="recbole")
        warnings.simplefilter("ignore", FutureWarning)
    try:
        done = _dispatch(parse(arguments))
        sys.stdout.flush()  # what a closed reader does not take is told here, and not while Python ends
        return done
    except BrokenPipeError:  # the reader has closed, for instance `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, Exception) as error:
        return _report(unwrapped(error), debug)


def _report(error: BaseException, debug: bool) -> int:
    """Print an error as one message, with its traceback for a bug or where --debug asks; returns the exit code."""
    if isinstance(error, KeyboardInterrupt):
        print("interrupted before training began", file=sys.stderr)
        return 130
    known = reported(error)
    if debug or known is None:
        print(redact_text(traceback.format_exc()), end="", file=sys.stderr)
    if known is None:
        print("internal error: a bug in recbole_ext; please report it with the lines above.", file=sys.stderr)
        return 1
    print(f"error: {redact_text(str(known))}", file=sys.stderr)
    return known.exit_code


def _dispatch(words: Words) -> int:
    if "version" in words.switches:
        print(f"recbole_ext {__version__}")
        return 0
    if words.command == "doctor":
        from recbole_ext.cli.doctor import report

        print(report("quick" in words.switches))
        return 0
    model = words.given.get("model")
    if "help" in words.switches:
        from recbole_ext.cli.help import help_text

        print(help_text(model))
        return 0
    if words.command == "import-checkpoint" and not words.file:
        raise UsageError("import-checkpoint needs a file: import-checkpoint FILE.pth --model=M --dataset=D")
    if words.command not in ("run", "import-checkpoint"):
        return _other_command(words)
    if words.resume in (None, "newest"):
        _take_names(words)
    if (
        words.command == "run"
        and words.given.get("seeds") is not None
        and not words.switches & {"print_config", "dry_run"}
    ):
        from recbole_ext.experiments.command import seeds_command

        return seeds_command(words.given, words.resume)
    return _run(words)


def _other_command(words: Words) -> int:
    """A command that reads finished runs, files or experiments, and no configuration from the command line."""
    from recbole_ext.cli.checks import OPTIONS, check_words

    if words.command in OPTIONS:
        check_words(words)
    if words.command in ("metric-audit", "rate"):
        from recbole_ext.serving.rating_files import rating_command

        return rating_command(words.command, words.file, words.given)
    if words.command == "diagnose":
        from recbole_ext.diagnosis.diagnose import diagnose_command

        return diagnose_command(words.file, words.given, "json" in words.switches)
    if words.command == "report":
        from recbole_ext.report.report import report_command

        return report_command(words.file, words.given)
    if words.command == "compare":
        from recbole_ext.comparison.compare import compare_command

        return compare_command(words.files, words.given, "json" in words.switches)
    if words.command == "ensemble":
        from recbole_ext.comparison.ensemble import ensemble_command

        return ensemble_command(words.files, words.given)
    if words.command == "experiment":
        from recbole_ext.experiments.command import experiment_command

        return experiment_command(words.arguments)
    if words.command == "tune":
        from recbole_ext.tuning.tune import tune_command

        return tune_command(words.given, words.resume)
    from recbole_ext.serving.score import score_command

    return score_command(words.given)


def _take_names(words: Words) -> None:
    """Model and data set from the command line, else from the last of the user's files that names them."""
    from recbole_ext.config.layers import user_file

    named: dict[str, Any] = {}
    for name in str(words.given.get("config_files") or "").split():
        named |= {key: value for key, value in user_file(name).values.items() if key in ("model", "dataset")}
    words.given = {**named, **words.given}
    if not words.given.get("model") or not words.given.get("dataset"):
        raise UsageError(
            "--model and --dataset are needed, for instance: --model=SS4Rec --dataset=ml-100k\n"
            "all models, data sets and keys: --help; what works on this machine: doctor"
        )


def _run(words: Words) -> int:
    from recbole_ext.data.files import check_data
    from recbole_ext.pipeline.configure import resolve

    files = str(words.given.get("config_files") or "").split()
    recorded = _recorded(words)
    if recorded:
        words.given = {"model": recorded[1], "dataset": recorded[2], **words.given}
        files.insert(0, recorded[0])
    resolved = resolve(words.given["model"], words.given["dataset"], files, words.given)
    if "print_config" not in words.switches:
        check_data(resolved)
    from recbole_ext.config.config import Config  # imports RecBole and torch, which takes seconds

    config = Config(resolved)
    if "print_config" in words.switches:
        from recbole_ext.config.show import config_lines

        print("\n".join(config_lines(config)))
        return 0
    return _carry_out(words, config)


def _carry_out(words: Words, config: "Config") -> int:
    command = [sys.executable, *sys.argv]
    if words.command == "import-checkpoint":
        from recbole_ext.pipeline.import_checkpoint import import_checkpoint

        import_checkpoint(config, Path(words.file), "i-trust-this-file" in words.switches, command)
        return 0
    if "dry_run" in words.switches:
        from recbole_ext.pipeline.dry_run import dry_run, lines

        print("\n".join(lines(config, dry_run(config))))
        return 0
    from recbole_ext.evaluation.criteria import FAILED_EXIT_CODE, failed
    from recbole_ext.pipeline.train import run
    from recbole_ext.report.report import leave_report

    return FAILED_EXIT_CODE if failed(run(config, command, words.resume, leave_report)["criteria"]) else 0


def _recorded(words: Words) -> tuple[str, str, str] | None:
    """The configuration file of the run that `--resume=RUN` names, with its model and data set."""
    if words.resume is None or words.resume == "newest":
        return None
    from recbole_ext.runs.recorded import recorded, run_folder

    folder = run_folder(Path(words.given.get("runs_dir") or "runs"), words.resume)
    values = recorded(folder)
    return str(folder / "config.yaml"), str(values["model"]), str(values["dataset"])


__all__ = ["RecBoleExtError", "main", "parse"]
