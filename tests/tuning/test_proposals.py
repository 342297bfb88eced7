import pytest

from recbole_ext.tuning.space import Parameter, space_of
from recbole_ext.tuning.table import Trial

pytest.importorskip("optuna", reason="tuning needs Optuna: make tune-setup")
SPACE = space_of(
    {
        "rate": {"loguniform": [0.001, 1.0]},
        "share": {"uniform": [0.0, 0.5]},
        "width": {"quniform": [32, 128, 32]},
        "layers": {"randint": [1, 3]},
        "kind": {"choice": ["a", None, [1, 2]]},
    },
    "made",
)


def played(count: int, searcher: str, seed: int = 1, until: int = 10**6) -> list[Trial]:
    """Trials whose score is best at rate 0.03 and kind `a`."""
    from recbole_ext.tuning.proposals import propose

    trials: list[Trial] = []
    for number in range(count):
        values = propose(SPACE, trials, searcher, seed, bigger=True)
        trials.append(Trial(number, values, "finished", [[1, score(values)]]))
    return trials


def score(values: dict[str, float]) -> float:
    import math

    return -abs(math.log10(values["rate"]) + 1.5) - (values["kind"] != "a")


@pytest.mark.parametrize("searcher", ["tpe", "random"])
def test_values_lie_in_the_space_and_are_those_of_yaml(searcher: str) -> None:
    for trial in played(14, searcher):
        values = trial.values
        assert 0.001 <= values["rate"] <= 1.0 and float(f"{values['rate']:.6g}") == values["rate"]
        assert values["width"] in (32, 64, 96, 128) and type(values["width"]) is int
        assert values["layers"] in (1, 2, 3) and values["kind"] in ("a", None, [1, 2])


@pytest.mark.parametrize("searcher", ["tpe", "random"])
def test_a_tuning_that_was_killed_proposes_what_it_would_have(searcher: str) -> None:
    from recbole_ext.tuning.proposals import propose

    whole = played(13, searcher)
    for cut in (0, 3, 11):
        assert propose(SPACE, whole[:cut], searcher, 1, True) == whole[cut].values
    assert len({str(trial.values) for trial in whole}) == 13
    assert played(2, searcher, seed=2)[0].values != whole[0].values


@pytest.mark.slow
def test_tpe_learns_what_random_does_not() -> None:
    def late(searcher: str) -> float:
        scores = [trial.reports[0][1] for seed in (1, 2, 3) for trial in played(24, searcher, seed)[12:]]
        return sum(scores) / len(scores)

    assert late("tpe") > late("random") + 0.2


def test_failed_stopped_and_running_trials_are_borne() -> None:
    from recbole_ext.tuning.proposals import propose

    trials = played(12, "tpe")
    trials[0].state, trials[1].state, trials[2].state = "failed", "stopped", "running"
    trials[2].reports, trials[3].reports = [], []
    assert set(propose(SPACE, trials, "tpe", 1, True)) == {parameter.name for parameter in SPACE}


@pytest.mark.parametrize("value", [0.0123457, 1.0])
def test_there_and_back(value: float) -> None:
    from recbole_ext.tuning.proposals import inner, value_of

    steps = Parameter("x", "quniform", (0.1, 0.5, 0.1))
    assert [value_of(steps, inner(steps, v)) for v in (0.1, 0.3, 0.5)] == [0.1, 0.3, 0.5]
    rate = Parameter("x", "loguniform", (0.001, 1.0))
    assert value_of(rate, inner(rate, value)) == value
    assert value_of(rate, 0.00099999999) == 0.001
