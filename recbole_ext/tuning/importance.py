"""Which settings mattered: a random forest's account of the scores (functional ANOVA, by Optuna)."""

from dataclasses import dataclass

import optuna

from recbole_ext.tuning.proposals import study_of
from recbole_ext.tuning.space import Parameter
from recbole_ext.tuning.table import Trial

TRIALS_PER_PARAMETER = 10
"""Below so many trials per setting the order of the settings is not to be relied on."""
_FEWEST = 4


@dataclass(frozen=True)
class Importance:
    """Fractions of the scores' variance.

    Attributes:
        shares: key to share, largest first; they sum to 1. Empty where nothing can be concluded.
        epochs: the epoch at which all trials are compared: the last one that each of them reached.
        trials: how many are compared.
        limits: conclusions that this does not support, as text.
    """

    shares: dict[str, float]
    epochs: int
    trials: int
    limits: str


def importance(space: list[Parameter], trials: list[Trial], bigger: bool, seed: int) -> Importance:
    """Importance of each setting within the ranges that were searched.

    A scheduler stops trials at different epochs, so all are compared at the last one that every trial reached.

    Args:
        space: what was searched.
        trials: those that ended; failed ones are left out.
        bigger: whether a higher score is better.
        seed: of the forest.
    """
    sound = [trial for trial in trials if trial.state in ("finished", "stopped") and trial.reports]
    epochs = min((trial.epochs for trial in sound), default=0)
    compared = [
        Trial(t.number, t.values, "finished", [[epochs, score]])
        for t in sound
        if (score := t.score_after(epochs)) is not None
    ]
    scores = {trial.score for trial in compared}
    searched = [parameter for parameter in space if parameter.varies]
    if not searched:
        return Importance({}, epochs, len(compared), "no statement on importance: every choice has one value")
    if len(compared) < _FEWEST or len(scores) < 2:
        why = "the scores do not differ" if len(compared) >= _FEWEST else f"{len(compared)} trials are too few"
        return Importance({}, epochs, len(compared), f"no statement on importance: {why}")
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=64, seed=seed)
    shares = optuna.importance.get_param_importances(study_of(searched, compared, bigger), evaluator=evaluator)
    return Importance(dict(shares), epochs, len(compared), _limits(len(compared), len(searched), epochs))


def _limits(n_trials: int, n_parameters: int, epochs: int) -> str:
    within = f"within the ranges searched, after {epochs} epochs of {n_trials} trials, of one seed each"
    wanted = TRIALS_PER_PARAMETER * n_parameters
    if n_trials < wanted:
        return f"{within}; an indication only: for {n_parameters} settings {wanted} trials would carry an order"
    return within
