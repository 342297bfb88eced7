"""RecBole's `HyperTuning` by its own names, without hyperopt: every combination, samples, or Optuna's TPE.

A tuning that is resumed, runs in parallel and stops hopeless trials is `recbole-ext tune`.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from recbole_ext.errors import UsageError, nearest
from recbole_ext.tuning.hyper_file import read_hyper_file
from recbole_ext.tuning.space import Parameter, space_of
from recbole_ext.tuning.table import Trial

ALGORITHMS = ("exhaustive", "random", "bayes")
_SEED = 2020


class HyperTuning:
    """Tries settings in sequence.

    Args:
        objective_function: called with a mapping of settings and `fixed_config_file_list`; returns a mapping with
            `model`, `best_valid_score`, `valid_score_bigger`, `best_valid_result` and `test_result`.
        space: hyperopt's own objects, which are refused.
        params_file: a file of RecBole's form: `name kind values` on each line.
        params_dict: `{kind: {name: values}}`, the kinds being choice, uniform, quniform and loguniform; the bounds of
            the last are natural logarithms, as in RecBole.
        fixed_config_file_list: configuration files of all trials.
        display_file: RecBole's page of all trials, which is refused.
        algo: exhaustive (every combination, once), random or bayes.
        max_evals: most trials; all combinations with `exhaustive`.
        early_stop: trials in a row without a better score after which the search ends.

    Attributes:
        best_params, best_score, best_test_result: of the best trial by its validation score; None before `run`.
        params2result: settings as a text -> what `objective_function` returned.
        params_list, score_list: of all trials, in their order.

    Raises:
        UsageError: an argument is refused, or the space has an error.
    """

    def __init__(
        self,
        objective_function: Callable[..., dict[str, Any]],
        space: Any = None,
        params_file: str | Path | None = None,
        params_dict: dict[str, dict[str, Any]] | None = None,
        fixed_config_file_list: list[str] | None = None,
        display_file: str | None = None,
        algo: str = "exhaustive",
        max_evals: int = 100,
        early_stop: int = 10,
    ) -> None:
        _refuse(space, display_file, algo)
        self.objective_function, self.fixed_config_file_list = objective_function, fixed_config_file_list
        self.space = _space(params_file, params_dict)
        self.algo, self.early_stop = algo, early_stop
        self.max_evals = len(_combinations(self.space)) if algo == "exhaustive" else max_evals
        self.best_score: float | None = None
        self.best_params: dict[str, Any] | None = None
        self.best_test_result: dict[str, float] | None = None
        self.params2result: dict[str, dict[str, Any]] = {}
        self.params_list: list[str] = []
        self.score_list: list[float] = []
        self._trials: list[Trial] = []
        self._bigger = True

    @staticmethod
    def params2str(params: dict[str, Any]) -> str:
        """Settings as a text: `learning_rate:0.01, n_layers:2`."""
        return ", ".join(f"{name}:{value}" for name, value in params.items())

    def run(self) -> None:
        """Search; the best settings are `best_params` afterwards."""
        without_gain = 0
        for params in self._proposals():
            without_gain = 0 if self.trial(params) else without_gain + 1
            if without_gain >= self.early_stop:
                return

    def trial(self, params: dict[str, Any]) -> bool:
        """Try one set of settings.

        Returns:
            Whether it is the best one until now.
        """
        print("running parameters:", params)
        result = self.objective_function(dict(params), self.fixed_config_file_list)
        score, self._bigger = result["best_valid_score"], result["valid_score_bigger"]
        text = self.params2str(params)
        self.params2result[text] = result
        self.params_list.append(text)
        self.score_list.append(score)
        self._trials.append(Trial(len(self._trials), params, "finished", [[1, score]]))
        sign = 1 if self._bigger else -1
        better = self.best_score is None or sign * (score - self.best_score) > 0
        if better:
            self.best_score, self.best_params, self.best_test_result = score, params, result["test_result"]
            print(f"current best valid score: {score:.4f}")
        return better

    def export_result(self, output_file: str | Path) -> None:
        """Write settings and results of all trials.

        Args:
            output_file: is replaced.
        """
        lines = [
            f"{text}\nValid result:\n{result['best_valid_result']}\nTest result:\n{result['test_result']}\n"
            for text, result in self.params2result.items()
        ]
        Path(output_file).write_text("\n".join(lines), encoding="utf-8")

    def _proposals(self) -> Iterator[dict[str, Any]]:
        if self.algo == "exhaustive":
            yield from _combinations(self.space)
            return
        from recbole_ext.tuning.proposals import propose  # imports Optuna

        searcher = "random" if self.algo == "random" else "tpe"
        for _ in range(self.max_evals):
            yield propose(self.space, self._trials, searcher, _SEED, self._bigger)


def _refuse(space: Any, display_file: str | None, algo: Any) -> None:
    if space is not None:
        raise UsageError("space: hyperopt's objects are not read here; give params_file or params_dict")
    if display_file is not None:
        raise UsageError("display_file: no page is made here; params2result has all trials, recbole-ext tune a report")
    if algo not in ALGORITHMS:
        raise UsageError(f"algo must be one of {', '.join(ALGORITHMS)} (got {algo!r}){nearest(str(algo), ALGORITHMS)}")


def _space(params_file: str | Path | None, params_dict: dict[str, dict[str, Any]] | None) -> list[Parameter]:
    if params_file is not None:
        return read_hyper_file(Path(params_file))
    if not params_dict:
        raise UsageError("HyperTuning needs params_file or params_dict, for instance {'choice': {'n_layers': [1, 2]}}")
    return space_of(
        {name: {kind: _values(kind, values)} for kind, named in params_dict.items() for name, values in named.items()},
        "params_dict",
    )


def _values(kind: str, values: Any) -> list[Any]:
    return [math.exp(value) for value in values] if kind == "loguniform" else list(values)


def _combinations(space: list[Parameter]) -> list[dict[str, Any]]:
    """Every combination of a space of choices and steps.

    Raises:
        UsageError: a parameter has infinitely many values.
    """
    endless = [parameter.name for parameter in space if parameter.kind in ("uniform", "loguniform")]
    if endless:
        raise UsageError(f"algo='exhaustive': {endless[0]} has infinitely many values; take algo='random' or 'bayes'")
    names = [parameter.name for parameter in space]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*map(_all_values, space))]


def _all_values(parameter: Parameter) -> list[Any]:
    if parameter.kind == "choice":
        return list(parameter.values)
    low, high = parameter.values[:2]
    if parameter.kind == "randint":
        return list(range(low, high + 1))
    step = parameter.values[2]
    return [parameter.stepped(n) for n in range(math.floor((high - low) / step + 1e-9) + 1)]
