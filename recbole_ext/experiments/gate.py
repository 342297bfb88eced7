"""A gate between experiments: one starts only if the criteria of another hold."""

from recbole_ext.errors import RecBoleExtError, UsageError
from recbole_ext.evaluation.criteria import FAILED_EXIT_CODE, PASS, TIERS, of_tier
from recbole_ext.experiments.experiment import Experiment
from recbole_ext.experiments.standing import standing, verdicts_over_seeds


class ClosedGate(RecBoleExtError):
    """A criterion of the experiment before does not hold, or not yet."""

    exit_code = FAILED_EXIT_CODE


def require_after(experiment: Experiment, before: Experiment) -> None:
    """Let an experiment start after another one, whose criteria must hold for every planned seed.

    Of tiers, `minimum` must hold; what is missed of the others does not close the gate.

    Args:
        experiment: that is to start.
        before: whose criteria are asked.

    Raises:
        UsageError: both are the same, or the one before has no criteria.
        ClosedGate: a criterion failed, or has no value yet.
    """
    if before.folder.resolve() == experiment.folder.resolve():
        raise UsageError(f"--after={before.name}: an experiment cannot come after itself; name the one before it")
    if before.imported:
        raise UsageError(f"--after={before.name}: it was imported, under a protocol that is not known; run it here")
    asked = [each for each in verdicts_over_seeds(standing(before)) if each.tier in ("", TIERS[0])]
    if not asked:
        raise UsageError(
            f"--after={before.name}: it has no seeds, or no criteria (of tiers, `{TIERS[0]}` counts); give it both, or "
            "leave --after out"
        )
    closed = [each for each in asked if each.verdict != PASS]
    if closed:
        said = "; ".join(f"{of_tier(each.tier)}{each.text}: {_state(each.verdict, each.value)}" for each in closed)
        raise ClosedGate(
            f"{experiment.name} does not start: criteria of {before.name} do not hold ({said})\n"
            f"see experiment show {before.name}; without --after it starts all the same"
        )


def _state(verdict: str, value: float | None) -> str:
    return verdict if value is None else f"{verdict}, mean {value:.6g}"
