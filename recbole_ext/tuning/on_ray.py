"""The tuning as Ray Tune sees it: where trials come from, when they are stopped, and what runs in a worker."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from recbole_ext.tuning.proposals import propose
from recbole_ext.tuning.settings import Settings
from recbole_ext.tuning.spending import Spending
from recbole_ext.tuning.table import PAUSED, Table, Trial
from recbole_ext.tuning.trial import CAUSE, Job, execute

_CRASHED = "the process ended by itself: killed, or out of memory"


def objective(config: dict[str, Any]) -> None:
    """What Ray runs in a worker: one trial, each epoch reported to the driver, which may stop it there."""
    failure = execute(config["job"], lambda epochs, best: tune.report({"epochs": epochs, "score": best}))
    tune.report({"over": True, "failure": failure})


def scheduler_of(settings: Settings, epochs: int, bigger: bool) -> TrialScheduler:
    """ASHA over the epochs of a trial, or none.

    A decision at the last epoch would only keep a trial from ending by itself, so the rungs end before it.
    """
    grace = settings.grace_epochs or max(1, epochs // 6)
    if settings.scheduler == "none" or grace >= epochs:
        return FIFOScheduler()
    return ASHAScheduler(
        time_attr="epochs",
        metric="score",
        mode="max" if bigger else "min",
        max_t=epochs - 1,
        grace_period=grace,
        reduction_factor=settings.reduction_factor,
        stop_last_trials=False,
    )


@dataclass(frozen=True)
class _Past:
    """A trial of the table, as far as a scheduler looks at one."""

    trial_id: str


class TableSearcher(Searcher):
    """Hands out the table's unfinished trials, then new ones, until there are as many as were asked for.

    Everything that Ray reports of a trial is written to the table before anything follows from it.

    Args:
        settings: of the tuning.
        table: may hold trials of an earlier session of it.
        scheduler: learns what the earlier session reported.
        seed: of the proposals.
        width: how many trials may run at once.
        ended: called with each trial that is over.
    """

    def __init__(
        self,
        settings: Settings,
        table: Table,
        scheduler: TrialScheduler,
        seed: int,
        width: int,
        ended: Callable[[Trial], None],
    ) -> None:
        super().__init__(metric="score", mode="max" if table.bigger else "min")
        self.settings, self.table, self.scheduler, self.seed = settings, table, scheduler, seed
        self.width, self.ended = width, ended
        self.live: dict[str, Trial] = {}
        for trial in table.ended():
            self._goes_on(f"past{trial.number}", trial)

    def suggest(self, trial_id: str) -> Any:
        """The next trial; None while all places are taken."""
        if len(self.live) >= self.width:
            return None
        trial = self._next()
        while trial is not None and not self._goes_on(trial_id, trial):
            self._end(trial, "stopped")
            trial = self._next()
        if trial is None:
            return Searcher.FINISHED
        self.live[trial_id] = trial
        return {"job": Job(self.settings, str(self.table.place(trial.number)), trial.values, trial.epochs)}

    def _next(self) -> Trial | None:
        under_way = {trial.number for trial in self.live.values()}
        for trial in self.table.trials:
            if trial.state in ("running", PAUSED) and trial.number not in under_way:
                trial.state = "running"
                return trial
        if len(self.table.trials) >= self.settings.trials or self.table.hopeless():
            return None
        parameters = self.settings.parameters()
        values = propose(parameters, self.table.trials, self.settings.searcher, self.seed, self.table.bigger)
        return self.table.add(values)

    def _goes_on(self, trial_id: str, trial: Trial) -> bool:
        """Pass to the scheduler what a trial reported in an earlier session; False where it would stop it."""
        if not trial.reports:
            return True
        past, scheduler = _Past(trial_id), cast(Any, self.scheduler)  # a scheduler of Ray asks no more of a trial
        scheduler.on_trial_add(None, past)
        results = [{"epochs": epochs, "score": score} for epochs, score in trial.reports]
        decisions = [scheduler.on_trial_result(None, past, result) for result in results]
        return TrialScheduler.STOP not in decisions

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch is over."""
        self._note(self.live[trial_id], result)

    def _note(self, trial: Trial, result: dict[str, Any]) -> None:
        if result.get("epochs", 0) > trial.epochs:
            trial.reports.append([int(result["epochs"]), float(result["score"])])
            self.table.save(trial)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial is over: it has finished, the scheduler has stopped it, or it has failed for good."""
        trial, result = self.live.pop(trial_id), result or {}
        self._note(trial, result)
        if error:
            self._end(trial, "failed", read_cause(self.table.place(trial.number)))
        elif result.get("failure"):
            self._end(trial, "failed", result["failure"])
        else:
            self._end(trial, "finished" if result.get("over") else "stopped")

    def _end(self, trial: Trial, state: str, cause: str = "") -> None:
        trial.state, trial.cause = state, cause or trial.cause  # that of a retry is reported even if it succeeded
        self.table.save(trial)
        self.ended(trial)

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: the table is what is kept."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the table is what is kept."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the table is what is read."""


def read_cause(place: Path) -> str:
    """Why the last attempt failed, as the worker wrote it; a process that was killed writes nothing."""
    path = place / CAUSE
    return path.read_text(encoding="utf-8") if path.is_file() else _CRASHED


class _Retries(tune.Callback):
    """Counts how often a trial was begun again."""

    def __init__(self, searcher: TableSearcher) -> None:
        self.searcher = searcher

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial failed and is begun again."""
        known = self.searcher.live[trial.trial_id]
        known.retries, known.cause = known.retries + 1, read_cause(self.searcher.table.place(known.number))
        self.searcher.table.save(known)


class _Budget(Stopper):
    """Stops all trials when nothing is left of the budget; the table keeps how far they came."""

    def __init__(self, spending: Spending) -> None:
        self.spending = spending

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No trial is stopped by itself."""
        return False

    def stop_all(self) -> bool:
        """Asked in each turn of Ray's loop."""
        return self.spending.is_spent()


def search(searcher: TableSearcher, spending: Spending) -> None:
    """Run trials until the table holds as many as were asked for, or nothing is left of the budget.

    Args:
        searcher: with its table.
        spending: of the tuning.
    """
    settings, table = searcher.settings, searcher.table
    left = settings.trials - len(table.ended())
    resources = {"cpu": settings.cpus_per_trial, "gpu": settings.gpus_per_trial}
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(searcher.width)
    tune.run(
        tune.with_resources(objective, resources),
        name="ray",
        num_samples=left,
        search_alg=searcher,
        scheduler=searcher.scheduler,
        stop=_Budget(spending),
        storage_path=str(table.folder.resolve()),
        max_failures=settings.max_failures,
        reuse_actors=True,
        raise_on_failed_trial=False,
        callbacks=[_Retries(searcher)],
        verbose=0,
    )
