"""What is tried next: by Optuna's TPE or at random, as a function of the seed, the number and the table alone.

The study is rebuilt from the table for each proposal. So a tuning that was killed proposes what it would have
proposed, and nothing of the searcher has to be saved.
"""

import warnings
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from recbole_ext.tuning.space import DIGITS, Parameter
from recbole_ext.tuning.table import Trial

SEARCHERS = ("tpe", "random")
FIRST_RANDOM = 10
"""Trials before TPE has something to learn from."""
_STATES = {
    "finished": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
}


def propose(space: list[Parameter], trials: list[Trial], searcher: str, seed: int, bigger: bool) -> dict[str, Any]:
    """Values for the next trial.

    Args:
        space: what is searched.
        trials: those before it; TPE learns from the ones that ended, and keeps away from those under way.
        searcher: one of `SEARCHERS`.
        seed: of the tuning.
        bigger: whether a higher score is better.
    """
    own_seed = seed * 100_003 + len(trials)
    study = study_of(space, trials, bigger)
    if searcher == "random" or len(trials) < FIRST_RANDOM:
        study.sampler = optuna.samplers.RandomSampler(seed=own_seed)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.sampler = optuna.samplers.TPESampler(
                seed=own_seed, n_startup_trials=FIRST_RANDOM, multivariate=True, constant_liar=True
            )
    suggested = study.ask(distributions(space)).params
    return {parameter.name: value_of(parameter, suggested[parameter.name]) for parameter in space}


def study_of(space: list[Parameter], trials: list[Trial], bigger: bool) -> optuna.Study:
    """The table as an Optuna study."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize" if bigger else "minimize")
    study.add_trials([_frozen(space, trial) for trial in trials])
    return study


def _frozen(space: list[Parameter], trial: Trial) -> FrozenTrial:
    state = TrialState.FAIL if trial.state == "finished" and trial.score is None else _STATES[trial.state]
    return create_trial(
        state=state,
        value=trial.score if state == TrialState.COMPLETE else None,
        params={parameter.name: inner(parameter, trial.values[parameter.name]) for parameter in space},
        distributions=distributions(space),
        intermediate_values={int(epochs): score for epochs, score in trial.reports},
    )


def distributions(space: list[Parameter]) -> dict[str, BaseDistribution]:
    """The space as Optuna has it; a choice is sampled by its place, so that it may be anything that YAML can hold."""
    return {parameter.name: _distribution(parameter) for parameter in space}


def _distribution(parameter: Parameter) -> BaseDistribution:
    values = parameter.values
    if parameter.kind == "choice":
        return CategoricalDistribution(list(range(len(values))))
    if parameter.kind == "randint":
        return IntDistribution(*values)
    if parameter.kind == "quniform":
        low, high, step = values
        return IntDistribution(0, int((high - low) / step + 1e-9))
    low, high = values
    return FloatDistribution(low, high, log=parameter.kind == "loguniform")


def value_of(parameter: Parameter, suggested: Any) -> Any:
    """The setting for a suggestion of Optuna."""
    if parameter.kind == "choice":
        return parameter.values[suggested]
    if parameter.kind == "quniform":
        return parameter.stepped(suggested)
    if parameter.kind == "randint":
        return int(suggested)
    low, high = parameter.values
    return min(max(float(f"{suggested:.{DIGITS}g}"), float(low)), float(high))


def inner(parameter: Parameter, value: Any) -> Any:
    """Optuna's suggestion for a setting."""
    if parameter.kind == "choice":
        return parameter.place(value)
    if parameter.kind == "quniform":
        low, _, step = parameter.values
        return round((value - low) / step)
    return value
