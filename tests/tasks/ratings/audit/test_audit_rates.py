"""How often the rules of the audit accuse honest predictors, and how often they find planted faults."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recbole_ext.tasks.ratings.audit.evidence import Evidence
from recbole_ext.tasks.ratings.audit.metric_audit import metric_audit
from tests.tasks.ratings.audit.simulated_ratings import KINDS, Kind, Ratings, biased, honest_predictors, simulated

HIGHEST_RATE = 0.01
SEEDS = 2


def names(evidence: Evidence) -> list[str]:
    return [finding["name"] for finding in metric_audit(evidence)["findings"]]


def printed(evidence: Evidence, digits: int) -> Evidence:
    """With RMSE and MSE as a person reports them."""
    measured = metric_audit(evidence)
    return replace(evidence, reported={name: round(measured[name], digits) for name in ("rmse", "mse")})


def honest_evidence() -> list[tuple[str, Evidence]]:
    """All kinds of data times all honest predictors, with and without times, training rows and reported numbers."""
    cases = []
    for number, (kind, made) in enumerate(KINDS.items()):
        for seed in range(SEEDS):
            rng = np.random.default_rng([number, seed])
            data = simulated(made, rng)
            for place, (predictor, predicted) in enumerate(honest_predictors(data, rng)):
                evidence = printed(data.evidence(predicted, timed=place % 2 == 0), 2 + place % 5)
                cases.append((f"{kind}, {predictor}", evidence))
    return cases


@pytest.mark.slow
def test_each_rule_accuses_at_most_one_honest_predictor_in_a_hundred() -> None:
    cases = honest_evidence()
    assert len(cases) >= 400
    for shown in (lambda e: e, lambda e: replace(e, train=None, train_time=None)):
        accused = [(case, name) for case, evidence in cases for name in names(shown(evidence))]
        print(f"\n{len(cases)} honest predictors: {accused}")
        rates = Counter(name for _, name in accused)
        assert {name: count for name, count in rates.items() if count > HIGHEST_RATE * len(cases)} == {}


def _means_over_all(data: Ratings, rng: np.random.Generator) -> Evidence:
    return data.evidence(biased(data, np.ones(len(data.user), bool), 3, 3))


def _row_order(data: Ratings, rng: np.random.Generator) -> Evidence:
    return data.evidence(rng.permutation(biased(data, ~data.tested)))


def _target(data: Ratings, rng: np.random.Generator) -> Evidence:
    truth = data.rating[data.tested]
    width = data.rating.max() - data.rating.min()
    return data.evidence(truth + rng.normal(0, 0.02 * width, len(truth)))


def _trained_rows(data: Ratings, rng: np.random.Generator) -> Evidence:
    """A twentieth of the tested rows stand in the training split too."""
    evidence, found = data.evidence(biased(data, ~data.tested), timed=True), data.tested.nonzero()[0]
    leaked = rng.choice(found, max(3, len(found) // 20), replace=False)
    past = np.concatenate(((~data.tested).nonzero()[0], leaked))
    train = data.user[past], data.item[past], data.rating[past]
    return replace(evidence, train=train, train_time=data.time[past])


def _scaled(data: Ratings, rng: np.random.Generator) -> Evidence:
    evidence = data.evidence(biased(data, ~data.tested))
    low, high = evidence.scale
    found = replace(
        evidence.found,
        truth=(evidence.found.truth - low) / (high - low),
        predicted=(evidence.found.predicted - low) / (high - low),
        scale=(0.0, 1.0),
    )
    return replace(evidence, found=found)


def _mse(data: Ratings, rng: np.random.Generator) -> Evidence:
    evidence = data.evidence(biased(data, ~data.tested))
    return replace(evidence, reported={"rmse": round(metric_audit(evidence)["mse"], 4)})


def _reported(data: Ratings, **numbers: Callable[[dict[str, float]], float]) -> Evidence:
    """A predictor whose reported numbers are made of those that were measured, printed to four places."""
    evidence = data.evidence(biased(data, ~data.tested))
    measured = metric_audit(evidence)
    return replace(evidence, reported={name: round(made(measured), 4) for name, made in numbers.items()})


def _no_square(data: Ratings, rng: np.random.Generator) -> Evidence:
    """The MSE of other rows, a twentieth above that of these."""
    return _reported(data, rmse=lambda m: m["rmse"], mse=lambda m: 1.05 * m["mse"])


def _loss(data: Ratings, rng: np.random.Generator) -> Evidence:
    """The loss as the RMSE: the MSE with a tenth of it as KL."""
    return _reported(data, rmse=lambda m: 1.1 * m["mse"], loss=lambda m: 1.1 * m["mse"])


def _other(data: Ratings, rng: np.random.Generator) -> Evidence:
    """An RMSE of other rows, a twentieth below that of these."""
    return _reported(data, rmse=lambda m: 0.95 * m["rmse"])


def _below_honest(data: Ratings, rng: np.random.Generator) -> Evidence:
    """An R2 of 0.64, short of `target_in_input`, on data with the name of a data set whose best level is known."""
    truth = data.rating[data.tested]
    return replace(data.evidence(truth + rng.normal(0, 0.6 * truth.std(), len(truth))), dataset="ml-100k")


PLANTED: dict[str, tuple[Callable[[Ratings, np.random.Generator], Evidence], float]] = {
    "means_over_all": (_means_over_all, 0.9),
    "ids_remapped": (_row_order, 0.9),
    "target_in_input": (_target, 0.9),
    "training_rows": (_trained_rows, 0.9),
    "scaled_targets": (_scaled, 0.9),
    "mse_as_rmse": (_mse, 0.9),
    "not_its_square": (_no_square, 0.9),
    "loss_as_rmse": (_loss, 0.9),
    "other_number": (_other, 0.9),
    "too_good": (_below_honest, 0.9),
}
"""Name -> how it is planted, and the least mean rate at which it is found, over the kinds of data not in `SILENT`."""
SILENT = ("few rows", "tiny", "nothing to predict", "users alone differ", "95 % fives", "one row per user")
"""Kinds of data on which chance explains some of the faults, so that no rate is required."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_is_found(fault: str) -> None:
    plant, least = PLANTED[fault]
    found: dict[str, float] = {}
    for number, (kind, made) in enumerate(KINDS.items()):
        made_rngs = [np.random.default_rng([number, seed, 1]) for seed in range(5)]
        detected = [fault in names(plant(simulated(made, rng), rng)) for rng in made_rngs]
        found[kind] = float(np.mean(detected))
    print(f"\n{fault}: {found}")
    assert np.mean([rate for kind, rate in found.items() if kind not in SILENT]) >= least


def test_an_honest_bias_on_each_users_newest_rows_is_not_accused() -> None:
    rng = np.random.default_rng(0)
    data = simulated(Kind(users=150, items=100, rows=6000, split="user", drift=0.4), rng)
    assert names(data.evidence(biased(data, ~data.tested))) == []
    assert names(data.evidence(biased(data, np.ones(len(data.user), bool), 3, 3))) == ["means_over_all"]
