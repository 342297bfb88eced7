"""One release of a log, one cut, one model: drift of the data and of the model in everything after the cut.

    python -m recbole_ext.scripts.release_drift --input ml-32m.zip --output drift-ml-32m

converts ML-32M, cuts it where ML-20M ends, compares the eight years after with the past, trains on the past, and
evaluates the trained model, which never sees them, year by year. Any release and cut will do:

    python -m recbole_ext.scripts.release_drift --release ml-1m --input ml-1m.zip --cut 0.8 --windows 120d \
        --output drift-ml-1m -- --epochs=20

The words after `--` are settings of the training. Each step is a command that is printed, so that it can be
repeated by hand, and a step that is finished is not done again: the same command line continues at the first one that
is not, and inside the training, where that was interrupted.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dataset_tools.files.schema import FileKind, record
from dataset_tools.sources import RELEASES
from dataset_tools.split.cut_words import PRESETS
from dataset_tools.standard_streams import standard_streams
from recbole_ext.errors import RecBoleExtError, UsageError
from recbole_ext.files import hold, write_atomically

TOOLS, MODELS = "dataset_tools", "recbole_ext"
REQUEST, TIMES = "request.json", "steps.jsonl"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        input: zip, folder or log of the release.
        release: one of `recbole-data convert`.
        cut: a preset, a time, or the fraction of the rows that is past.
        windows: length of the windows of the future.
        model: that is trained.
        settings: of the training, such as `--epochs=3`.
    """

    input: str
    release: str
    cut: str
    windows: str
    model: str
    settings: list[str]

    @property
    def cut_words(self) -> list[str]:
        """The cut as options of `split`."""
        if self.cut in PRESETS:
            return ["--preset", self.cut]
        is_share = self.cut.startswith(("0.", "."))
        return ["--ratio" if is_share else "--at", self.cut]


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: of the step.
        program: module that is run.
        words: its arguments, known when the steps before it are done.
        result: the file that exists once the step is done; None before.
    """

    name: str
    program: str
    words: Callable[[], list[str]]
    result: Callable[[], Path | None]


def steps(request: Request, output: Path) -> list[Step]:
    """All steps in their order."""
    data, runs = output / "dataset", output / "runs"
    name = f"{request.release}-cut"
    span = ["--windows", request.windows]
    convert = ["convert", request.release, "--input", request.input, "--output", str(data)]
    split = ["split", str(data / request.release), *request.cut_words, "--output", str(data)]
    drift = ["drift", "--past", str(data / name), *span, "--output", str(output / "data-drift")]
    train = [f"--model={request.model}", f"--dataset={name}", f"--data_path={data}", f"--runs_dir={runs}"]
    of_model = ["--future", "test", *span, "--output", str(output / "model-drift")]
    return [
        Step("convert", TOOLS, lambda: convert, _file(data / request.release / f"{request.release}.summary.json")),
        Step("split", TOOLS, lambda: split, _file(data / name / "split.json")),
        Step("data drift", TOOLS, lambda: drift, _file(output / "data-drift" / "drift.json")),
        Step("train", MODELS, lambda: [*train, *request.settings, *_resume(runs)], lambda: _result(runs)),
        Step(
            "model drift",
            MODELS,
            lambda: ["drift", "--run", str(_finished(runs)), *of_model],
            _file(output / "model-drift" / "drift.json"),
        ),
    ]


def _file(path: Path) -> Callable[[], Path | None]:
    return lambda: path if path.is_file() else None


def _result(runs: Path) -> Path | None:
    return next(iter(sorted(runs.glob("*/result.json"))), None)


def _finished(runs: Path) -> Path:
    found = _result(runs)
    if found is None:
        raise UsageError(f"{runs}: no finished run; the training ended without a result")
    return found.parent


def _resume(runs: Path) -> list[str]:
    """Of a run that has begun to train."""
    return ["--resume"] if any(runs.glob("*/checkpoint/*")) else []


def carry_out(request: Request, output: Path) -> int:
    """Do the steps that are not done.

    Args:
        request: what is asked for.
        output: folder of everything.

    Returns:
        0, or the exit code of the command that failed.

    Raises:
        UsageError: the folder holds another request.
        ResourceError: another process works there.
    """
    output.mkdir(parents=True, exist_ok=True)
    lock = hold(output, f"{output}: another process works there; wait until it ends, or choose another --output")
    try:
        _remember(request, output)
        for step in steps(request, output):
            code = _do(step, output)
            if code:
                print(f"{step.name} failed; the same command continues there", file=sys.stderr)
                return code
    finally:
        lock.release()
    print(f"report: {output / 'model-drift' / 'drift.html'}\nsummary: {output / 'model-drift' / 'drift.md'}")
    return 0


_REQUEST = FileKind(record(), "choose another --output, or restore the file from a copy")


def _remember(request: Request, output: Path) -> None:
    path = output / REQUEST
    if not path.is_file():
        write_atomically(path, (json.dumps(asdict(request), indent=2) + "\n").encode())
        return
    before = _REQUEST.read_json(path)
    changed = [name for name, value in asdict(request).items() if before.get(name) != value]
    if changed:
        name = changed[0]
        raise UsageError(
            f"{output}: it was begun with {name} {before.get(name)!r}, now {getattr(request, name)!r}; give the same "
            "again, or choose another --output"
        )


def _do(step: Step, output: Path) -> int:
    found = step.result()
    if found is not None:
        print(f"{step.name}: done already, {found}", flush=True)
        return 0
    command = [sys.executable, "-m", step.program, *step.words()]
    print(f"{step.name}: {shlex.join(['python', *command[1:]])}", flush=True)
    start = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    line = {"step": step.name, "command": command, "exit_code": code, "seconds": round(time.monotonic() - start, 1)}
    with (output / TIMES).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    if code == 0 and step.result() is None:
        raise UsageError(f"{step.name}: the command ended well, and its result is not there; look at {output}")
    return code


def read(words: Sequence[str] | None = None) -> tuple[Request, Path]:
    """The request and the folder from a command line."""
    parser = argparse.ArgumentParser(prog="release_drift", description=__doc__.partition("\n")[0])
    parser.add_argument("--input", required=True, help="zip, folder or log of the release")
    parser.add_argument("--output", required=True, type=Path, help="folder of all results")
    parser.add_argument("--release", default="ml-32m", choices=RELEASES, help="default: ml-32m")
    parser.add_argument(
        "--cut", default="ml32m-after-ml20m", help="preset, time or fraction (default: ml32m-after-ml20m)"
    )
    parser.add_argument("--windows", default="365d", help="of the future (default: 365d)")
    parser.add_argument("--model", default="SS4Rec", help="default: SS4Rec")
    parser.add_argument("settings", nargs="*", help="of the training, behind --")
    given = parser.parse_args(words)
    request = Request(given.input, given.release, given.cut, given.windows, given.model, given.settings)
    return request, given.output


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    with standard_streams(goes_on=True):
        try:
            return carry_out(*read(words))
        except RecBoleExtError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
