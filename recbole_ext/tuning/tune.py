"""`tune`: from the words of the command line to a folder with the best settings, and back after a kill.

<tune_dir>/<model>-<dataset>-<UTC time>-<4 hex>/
    tune.yaml     what was asked for      best.yaml     for --config_files, as it is
    trials.csv    the table of trials     report.html   curves, importance, the best settings
    trials/       one folder per trial, with its run; checkpoints of the best alone
"""

import shlex
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from recbole_ext.errors import DataError, InterruptedRun, ResourceError, UsageError, nearest
from recbole_ext.files import LOCK, hold, new_folder
from recbole_ext.registry import find_model
from recbole_ext.runs.recorded import BUDGETS
from recbole_ext.tuning.settings import Settings, epochs_of, settings_of
from recbole_ext.tuning.table import Table, Trial
from recbole_ext.typed_command import typed_program

if TYPE_CHECKING:
    from recbole_ext.config.config import Config
    from recbole_ext.tuning.spending import Spending

LIBRARIES = ("ray", "optuna")
_OF_COST = ("price_per_hour", "gpu_prices", *BUDGETS)
_MAY_CHANGE = ("trials", "tune_dir", "ray_address", *_OF_COST)
"""Options that may be given with --resume."""


def tune_command(given: dict[str, Any], resume: str | None) -> int:
    """Execute `tune`.

    Args:
        given: words of the command line.
        resume: name of a tuning to continue, `newest`, or None for a new one.

    Raises:
        UsageError: the command cannot be executed.
        ResourceError: Ray or Optuna is not installed, or Ray does not start.
        InterruptedRun: Ctrl-C or SIGTERM; the message says how to resume.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise ResourceError(
            f"tune needs {' and '.join(missing)}, not installed here; install with: make tune-setup\n"
            "or, in an environment of your own: pip install --no-deps -r requirements-tune.txt"
        )
    root = Path(str(given.get("tune_dir") or "tune"))
    if resume is None:
        settings = settings_of(given)
        folder = new_folder(root, f"{find_model(settings.model).name}-{settings.dataset}")
        settings.write(folder)
    else:
        folder = tuning_folder(root, resume)
        settings = _continued(folder, given)
    with _held(folder), _interruptible(folder):
        tune(settings, folder, given.get("ray_address"))
    return 0


def tuning_folder(root: Path, wanted: str) -> Path:
    """The folder of the tuning that --resume names, or of the newest unfinished one.

    Raises:
        UsageError: there is none.
    """
    folders = {path.parent.name: path.parent for path in root.glob("*/tune.yaml")}
    if wanted != "newest":
        if wanted not in folders:
            raise UsageError(f"--resume={wanted}: there is no tuning of this name in {root}{nearest(wanted, folders)}")
        return folders[wanted]
    newest_first = sorted(folders.values(), key=lambda path: (path / "tune.yaml").stat().st_mtime_ns, reverse=True)
    for folder in newest_first:
        if len(Table(folder, True).ended()) < Settings.read(folder).trials:
            return folder
    raise UsageError(f"--resume: there is no unfinished tuning in {root}; name another folder with --tune-dir")


def _continued(folder: Path, given: dict[str, Any]) -> Settings:
    changed = [key for key in given if key not in _MAY_CHANGE]
    if changed:
        raise UsageError(
            f"--{changed[0]} cannot change in a tuning that was begun; what it was asked for is in "
            f"{folder / 'tune.yaml'}. With --resume only --trials, to try more, and budget and price may be given"
        )
    settings = Settings.read(folder)
    settings = replace(settings, given=settings.given | {key: given[key] for key in _OF_COST if key in given})
    if "trials" in given:
        settings = replace(settings, trials=given["trials"])
        n_ended = len(Table(folder, True).trials)
        if type(settings.trials) is not int or settings.trials < n_ended:
            raise UsageError(f"--trials must be an integer of at least {n_ended}, as many were begun already")
    settings.resolved({})  # refuses a budget or a price that is none
    settings.write(folder)
    return settings


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One driver per tuning."""
    lock = hold(folder, f"{folder} belongs to a tuning that is still going on")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _interruptible(folder: Path) -> Iterator[None]:
    """Ctrl-C and SIGTERM end a tuning with a sentence and the command that continues it."""

    asked: list[InterruptedRun] = []

    def stop(number: int, frame: Any) -> None:
        asked.append(
            InterruptedRun(
                "interrupted; what was reported is in the table, and running trials go on from their last state with: "
                f"{_resume_command(folder)}",
                number,
            )
        )
        raise asked[-1]

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception:
        if asked:  # Ray raises errors of its own, and its C code a SystemError, where the handler interrupted them
            raise asked[0] from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tune(settings: Settings, folder: Path, address: str | None = None) -> None:
    """Search, and write what came out.

    Args:
        settings: what is asked for.
        folder: of the tuning; trials that it holds already are not run again.
        address: of a Ray cluster; None for this machine.

    Raises:
        UsageError: the address of `notify` is missing or not allowed.
        ResourceError: a trial asks for more than there is.
        DataError: no trial has a score.
    """
    from recbole_ext.tuning.messages import notified

    config = settings.config({})
    subject = f"tuning of {settings.model} on {settings.dataset} ({folder.name})"
    with notified(config, subject) as facts:
        _tune(settings, folder, address, config)
        best = Table(folder, config["valid_metric_bigger"]).best()
        facts["text"] = f"best {config['valid_metric'].lower()} {best.score:.4g} by trial {best.number}" if best else ""


def _tune(settings: Settings, folder: Path, address: str | None, config: "Config") -> None:
    from recbole_ext.cluster.ray_session import ray_session
    from recbole_ext.tuning.outcome import write_outcome
    from recbole_ext.tuning.spending import Spending

    table, epochs = Table(folder, config["valid_metric_bigger"]), epochs_of(config)
    metric = config["valid_metric"].lower()
    _say_opening(settings, table, folder, metric, epochs)
    spending = Spending(folder, config)
    if len(table.ended()) < settings.trials and not table.hopeless() and not spending.is_spent():
        wait_for_runs(table)
        with ray_session(address) as resources:
            width = places(settings, resources)
            _search(settings, table, spending, width, config["seed"], epochs, metric)
        shutil.rmtree(folder / "ray", ignore_errors=True)
    is_ended = len(table.ended()) < settings.trials and not table.hopeless() and spending.is_spent()
    if is_ended:
        table.pause()
    spending.write()
    further = [_budget_line(settings, table, spending)] if is_ended else []
    for line in [*write_outcome(settings, table, config, spending), *further]:
        print(line, flush=True)
    if table.best() is None and is_ended:
        raise ResourceError("the budget ended before any trial had a score; go on with a larger one, as above")
    if table.best() is None:
        causes = "; ".join(dict.fromkeys(trial.cause for trial in table.ended() if trial.cause))
        raise DataError(
            f"none of {len(table.ended())} trials has a score: {causes}\nall of them: {folder / 'trials.csv'}"
        )


def _say_opening(settings: Settings, table: Table, folder: Path, metric: str, epochs: int) -> None:
    stops = "ASHA stops poor ones early" if settings.scheduler == "asha" else "none is stopped early"
    print(f"{settings.model} on {settings.dataset}: {settings.trials} trials of at most {epochs} epochs; {stops}")
    print(f"chosen by {metric} on validation; the test split is never read")
    print(f"tuning      {folder}", flush=True)
    if table.trials:
        print(
            f"{len(table.ended())} trials are over already, {settings.trials - len(table.ended())} are left", flush=True
        )


def _resume_command(folder: Path, *more: str) -> str:
    """What to type to continue a tuning."""
    return shlex.join([*typed_program(), "tune", f"--resume={folder.name}", f"--tune-dir={folder.parent}", *more])


def _budget_line(settings: Settings, table: Table, spending: "Spending") -> str:
    """That the budget ended the tuning, and how to go on."""
    key = spending.limit.key if spending.limit else "budget"
    over, folder = len(table.ended()), table.folder
    return (
        f"{key} is spent after {over} of {settings.trials} trials; those that were running are paused. A larger one "
        f"goes on: {_resume_command(folder, f'--{key}=MORE')}"
    )


def _search(
    settings: Settings, table: Table, spending: "Spending", width: int, seed: int, epochs: int, metric: str
) -> None:
    from recbole_ext.tuning.on_ray import TableSearcher, scheduler_of, search

    def ended(trial: Trial) -> None:
        print(_line(trial, table, settings.trials, metric, epochs), flush=True)
        drop_checkpoints(table, settings.keep_best)
        table.write_csv()

    scheduler = scheduler_of(settings, epochs, table.bigger)
    search(TableSearcher(settings, table, scheduler, seed, width, ended), spending)


def places(settings: Settings, resources: dict[str, float]) -> int:
    """How many trials run at once.

    Raises:
        ResourceError: not even one fits.
    """
    wanted = {"CPU": settings.cpus_per_trial, "GPU": settings.gpus_per_trial}
    fit = {kind: int(resources.get(kind, 0) / share + 1e-9) for kind, share in wanted.items() if share}
    scarce = [f"{wanted[kind]:g} {kind} (there are {resources.get(kind, 0):g})" for kind, n in fit.items() if n < 1]
    if scarce:
        raise ResourceError(f"a trial asks for {' and '.join(scarce)}; lower --cpus_per_trial or --gpus_per_trial")
    return min(settings.max_concurrent or settings.trials, *fit.values())


def wait_for_runs(table: Table, seconds: float = 60.0) -> None:
    """Wait until no worker of a driver that was killed holds a run; they end by themselves.

    Raises:
        ResourceError: one is still there after `seconds`.
    """
    import time

    deadline = time.monotonic() + seconds
    for trial in table.trials:
        run = table.run_of(trial) if trial.state == "running" else None
        while run and _is_held(run):
            if time.monotonic() > deadline:
                raise ResourceError(f"{run} belongs to a process that is still going on; end it first")
            time.sleep(0.1)


def _is_held(run: Path) -> bool:
    lock = FileLock(run / LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def drop_checkpoints(table: Table, keep: int) -> None:
    """Remove the checkpoints of all trials that are over but the best ones."""
    kept = {trial.number for trial in table.ranked()[:keep]}
    for trial in table.ended():
        if trial.number not in kept:
            for folder in table.place(trial.number).glob("*/checkpoint"):
                shutil.rmtree(folder, ignore_errors=True)


def _line(trial: Trial, table: Table, trials: int, metric: str, epochs: int) -> str:
    """One trial in one line."""
    best = table.best()
    score = "-" if trial.score is None else f"{trial.score:.4f}"
    far = f"best {best.score:.4f}, trial {best.number}" if best else "no trial has a score"
    values = " ".join(f"{name}={value}" for name, value in trial.values.items())
    cause = f": {trial.cause}" if trial.cause and trial.state == "failed" else ""
    done = f"{len(table.ended())}/{trials}"
    return (
        f"{done:>7}  trial {trial.number:<3} {metric} {score} ({far})  "
        f"{trial.state} after {trial.epochs} of {epochs} epochs{cause}  {values}"
    )
