import pytest

from recbole_ext.tuning.space import space_of
from recbole_ext.tuning.table import Trial

pytest.importorskip("optuna", reason="tuning needs Optuna: make tune-setup")
SPACE = space_of({"matters": {"uniform": [0.0, 1.0]}, "idle": {"uniform": [0.0, 1.0]}}, "made")


def trials(count: int) -> list[Trial]:
    """Scores that depend on one setting; the second half was stopped after one of two epochs."""
    made = []
    for n in range(count):
        values = {"matters": n / count, "idle": n * 7 % count / count}
        stopped = n % 2
        reports = [[1, values["matters"]]] + [[2, -values["matters"]]] * (not stopped)
        made.append(Trial(n, values, "stopped" if stopped else "finished", reports))
    return made


@pytest.mark.slow
def test_what_matters_is_found_at_the_epoch_that_all_reached() -> None:
    from recbole_ext.tuning.importance import importance

    found = importance(SPACE, [*trials(20), Trial(20, {}, "failed")], True, seed=1)
    assert list(found.shares) == ["matters", "idle"] and found.shares["matters"] > 0.9
    assert (found.epochs, found.trials) == (1, 20)
    assert found.limits == "within the ranges searched, after 1 epochs of 20 trials, of one seed each"


def test_few_trials_are_said_to_be_few() -> None:
    from recbole_ext.tuning.importance import importance

    assert "an indication only: for 2 settings 20 trials would" in importance(SPACE, trials(8), True, 1).limits
    none = importance(SPACE, trials(3), True, 1)
    assert (none.shares, none.limits) == ({}, "no statement on importance: 3 trials are too few")
    same = [Trial(n, t.values, "finished", [[1, 0.5]]) for n, t in enumerate(trials(8))]
    assert importance(SPACE, same, True, 1).limits == "no statement on importance: the scores do not differ"
