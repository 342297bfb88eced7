"""Healthy runs, and how often each rule of `diagnose` accuses one: python -m tests.diagnosis.healthy_runs 400

The runs are small well-specified models, fitted by gradient descent to planted data and stopped by patience.

No number of these runs is taken from the curves by which the thresholds of the rules were set: data, learning curves,
gaps and noise come from fitting. `counts` is held out: no threshold was changed by what it shows.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.curve_rules import wasted_epochs
from recbole_ext.diagnosis.result_rules import too_little, worse_than_baseline
from recbole_ext.diagnosis.rules import RULES

PATIENCE, MOST_EPOCHS = 10, 60
Epoch = tuple[float, float, float]
"""Training loss, score of a sample of training rows and score of validation, both in evaluation mode."""


@dataclass(frozen=True)
class Kind:
    """One kind of data and model.

    Attributes:
        metric: of validation.
        bigger: whether more of it is better.
        fit: yields epochs without end.
    """

    metric: str
    bigger: bool
    fit: Callable[[np.random.Generator], Iterator[Epoch]]


def _auc(score: np.ndarray, label: np.ndarray) -> float:
    ranks, n = rankdata(score), label.sum()
    return float((ranks[label].sum() - n * (n + 1) / 2) / (n * (len(label) - n)))


def _clicks(rng: np.random.Generator) -> Iterator[Epoch]:
    """Logistic regression on 20 features, 4,000 training and 1,500 validation rows."""
    weights, n = rng.normal(0, rng.uniform(0.1, 0.4), 20), 4000
    rows = rng.normal(size=(n + 1500, 20))
    labels = rng.uniform(size=len(rows)) < 1 / (1 + np.exp(1 - rows @ weights))
    found, rate = rng.normal(0, 0.1, 20), rng.uniform(0.05, 0.5)
    while True:
        for batch in np.array_split(rng.permutation(n), 8):
            chance = 1 / (1 + np.exp(1 - rows[batch] @ found))
            found = found - rate * (rows[batch].T @ (chance - labels[batch]) / len(batch) + 1e-3 * found)
        chance = 1 / (1 + np.exp(1 - rows @ found))
        loss = -np.where(labels[:n], np.log(chance[:n]), np.log(1 - chance[:n])).mean()
        yield float(loss), _auc(chance[:1500], labels[:1500]), _auc(chance[n:], labels[n:])


def _ratings(rng: np.random.Generator) -> Iterator[Epoch]:
    """Biases and 3 factors of 150 users and 100 items, 8,000 training and 1,000 validation ratings."""
    n, users, items = 8000, rng.integers(150, size=9000), rng.integers(100, size=9000)
    true = [rng.normal(0, 0.3, (count, 4)) for count in (150, 100)]

    def predicted(of: list[np.ndarray]) -> np.ndarray:
        p, q = of[0][users], of[1][items]
        return 3.6 + p[:, 0] + q[:, 0] + (p[:, 1:] * q[:, 1:]).sum(1)

    ratings = predicted(true) + rng.normal(0, rng.uniform(0.6, 1.0), len(users))
    found, rate = [rng.normal(0, 0.05, of.shape) for of in true], rng.uniform(0.01, 0.08)
    while True:
        for _ in range(3):
            error = (predicted(found) - ratings)[:n]
            p, q = found[0][users[:n]], found[1][items[:n]]
            steps = [np.c_[error, error[:, None] * q[:, 1:]], np.c_[error, error[:, None] * p[:, 1:]]]
            for side, ids, step in zip((0, 1), (users[:n], items[:n]), steps, strict=True):
                gradient = np.stack([np.bincount(ids, column, len(found[side])) for column in step.T], 1)
                found[side] = found[side] - rate / 50 * (gradient + 4 * found[side])
        errors = (predicted(found) - ratings) ** 2
        yield float(errors[:n].mean()), float(errors[:1000].mean() ** 0.5), float(errors[n:].mean() ** 0.5)


def _ranking(rng: np.random.Generator) -> Iterator[Epoch]:
    """Softmax of a table of 40 items by the last item, 6,000 training and 1,000 validation steps; NDCG@10."""
    n, last = 6000, rng.integers(40, size=7000)
    logits = rng.normal(0, rng.uniform(0.8, 2.0), (40, 40))
    target = (logits[last] + rng.gumbel(size=(7000, 40))).argmax(1)
    found, rate = np.zeros((40, 40)), rng.uniform(0.005, 0.05)

    def ndcg(rows: slice) -> float:
        scores = found[last[rows]]
        rank = (scores > scores[np.arange(len(scores)), target[rows]][:, None]).sum(1)
        return float(np.where(rank < 10, 1 / np.log2(rank + 2), 0).mean())

    while True:
        for _ in range(2):
            batch, counts = rng.integers(n, size=400), np.zeros((40, 40))
            np.add.at(counts, (last[batch], target[batch]), 1)
            chance = np.exp(found - found.max(1, keepdims=True))
            chance /= chance.sum(1, keepdims=True)
            found = found + rate * (counts - counts.sum(1, keepdims=True) * chance - 0.02 * found)
        loss = -np.log(chance[last[:n], target[:n]]).mean()
        yield float(loss), ndcg(slice(1000)), ndcg(slice(n, None))


def _counts(rng: np.random.Generator) -> Iterator[Epoch]:
    """Held out: Poisson regression on heavy-tailed features; the deviance, as a foreign file has it."""
    n, rows = 3000, np.clip(rng.standard_t(4, (4000, 12)), -4, 4)
    weights = rng.normal(0, 0.15, 12)
    labels = rng.poisson(np.exp(0.5 + rows @ weights))
    found, rate = np.zeros(12), rng.uniform(0.005, 0.05)

    def deviance(of: slice) -> float:
        mean = np.exp(0.5 + rows[of] @ found)
        return float((mean - labels[of] * np.log(mean)).mean() + 2)

    while True:
        for batch in np.array_split(rng.permutation(n), 6):
            found = found - rate * rows[batch].T @ (np.exp(0.5 + rows[batch] @ found) - labels[batch]) / len(batch)
        yield deviance(slice(n)), deviance(slice(1000)), deviance(slice(n, None))


KINDS = {
    "clicks": Kind("auc", True, _clicks),
    "ratings": Kind("rmse", False, _ratings),
    "rankings": Kind("ndcg@10", True, _ranking),
    "counts": Kind("val_loss", False, _counts),
}
HELD_OUT = "counts"


def healthy_run(kind: Kind, seed: int) -> Curve:
    """A run to its end: 10 epochs without a better validation, or 60."""
    rng = np.random.default_rng([seed, sum(map(ord, kind.metric))])
    epochs: list[Epoch] = []
    sign = -1 if kind.bigger else 1
    for epoch in kind.fit(rng):
        epochs.append(epoch)
        values = [sign * valid for _, _, valid in epochs]
        if len(epochs) >= MOST_EPOCHS or len(epochs) - 1 - int(np.argmin(values)) >= PATIENCE:
            break
    loss, trained, valid = (list(column) for column in zip(*epochs, strict=True))
    columns = {"epoch": [float(e) for e in range(len(epochs))], "train_loss": loss, "valid": valid}
    columns |= _measured(rng, kind, trained, valid)
    points = {name: [(e, float(v)) for e, v in enumerate(values)] for name, values in columns.items()}
    settings = {"learning_rate": 1e-3, "epochs": MOST_EPOCHS, "dropout_prob": 0.2, "kl_weight": 0.001, "latent_size": 8}
    result = _result(rng, shape=(0.5, 2) if kind is KINDS[HELD_OUT] else (1, 4)) | _tested(kind, valid)
    return Curve(points, len(epochs) - 1, kind.bigger, settings, result, {}, {"memory_gb": 16.0}, metric=kind.metric)


def _tested(kind: Kind, valid: list[float]) -> dict[str, object]:
    """What an honest run reports of its test split."""
    best = max(valid) if kind.bigger else min(valid)
    tested = {"test": {kind.metric: best}, "valid_metric": kind.metric, "valid_metric_bigger": kind.bigger}
    protocol = {"candidates": "labeled" if kind.metric == "auc" else "full"}
    return {**tested, "protocol": protocol, "reported": {"rmse": best} if kind.metric == "rmse" else {}}


def _measured(rng: np.random.Generator, kind: Kind, trained: list[float], valid: list[float]) -> dict[str, list[float]]:
    """The gap in evaluation mode, or the training score alone; the rate of a schedule; seconds; KL of a posterior."""
    n, sign = len(valid), 1 if kind.bigger else -1
    gap = {"gap": [sign * (a - b) for a, b in zip(trained, valid, strict=True)]}
    warm, at = int(rng.integers(0, 4)), np.arange(1, n + 1)
    schedule = [np.ones(n), 0.5 + 0.5 * np.cos(np.pi * at / MOST_EPOCHS), 0.5 ** (at // 15)][int(rng.integers(3))]
    seconds = rng.gamma(100, 0.01, n) * np.where(rng.uniform(size=n) < 0.05, rng.uniform(1.3, 3, n), 1)
    dimensions = 0.5 * np.log1p(rng.lognormal(0, 1, int(rng.integers(1, 9)))).sum()
    kl = dimensions * (1 - np.exp(-at / rng.uniform(1, 8)))
    rates = 1e-3 * schedule * np.minimum(1, at / (warm + 1))
    shown = gap if rng.uniform() < 0.5 else {"train_score": trained}
    return {**shown, "learning_rate": list(rates), "train_seconds": list(seconds), "kl": list(kl)}


def _result(rng: np.random.Generator, shape: tuple[float, float]) -> dict[str, object]:
    """R2 of the true mean on few or many rows, and a metric of an old window before and after a harmless stage."""
    n = int(10 ** rng.uniform(1.5, 3.5))
    mean = rng.normal(0, rng.uniform(0, 0.7), n)
    truth = mean + rng.normal(0, 1, n)
    r2 = 1 - ((truth - mean) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    rows, chance = int(rng.integers(200, 2000)), rng.beta(*shape, 2000)
    before = rng.uniform(size=rows) < chance[:rows]
    again = rng.uniform(size=rows) < 0.2
    after = np.where(again, rng.uniform(size=rows) < chance[:rows], before)
    metric, memory = {"metric": "hit@10", "rows": rows}, float(rng.uniform(500, 13000))
    forgetting = {**metric, "before": float(before.mean()), "after": float(after.mean())}
    ratings = {"all": {"n": n, "r2": float(r2), "rmse": float(((truth - mean) ** 2).mean() ** 0.5)}}
    return {"ratings": ratings, "forgetting": forgetting, "peak_memory_mb": memory}


def false_alarms(n: int) -> dict[str, dict[str, float]]:
    """Rule -> kind of data -> share of n healthy runs that the rule accuses.

    `wasted_epochs` states counts, which are right by definition; what can be wrong is its advice. It counts as a false
    alarm where the advised patience, in a run of another seed, misses a tenth of what that run gains in all.
    `worse_than_baseline` has a rate of its own (docs/compare.md), and `too_little` states how much was run.
    """
    judged = [rule for rule in RULES if rule not in (wasted_epochs, worse_than_baseline, too_little)]
    found: dict[str, dict[str, float]] = {rule.__name__: {} for rule in judged} | {"wasted_epochs": {}}
    for name, kind in KINDS.items():
        runs = [healthy_run(kind, seed) for seed in range(n)]
        for rule in judged:
            found[rule.__name__][name] = sum(rule(run) is not None for run in runs) / n
        pairs = zip(runs, runs[1:] + runs[:1], strict=True)
        found["wasted_epochs"][name] = sum(_misleads(run, other) for run, other in pairs) / n
    return found


def _misleads(run: Curve, other: Curve) -> bool:
    advice = wasted_epochs(run)
    if advice is None or not advice.changes:
        return False
    values, patience = [value for _, value in other.valid], int(advice.changes[0].value)
    best = 0
    for epoch, value in enumerate(values):
        best = epoch if value < values[best] else best
        if epoch - best > patience:
            break
    gained = values[0] - min(values)
    return values[best] - min(values) > 0.1 * gained


def table(found: dict[str, dict[str, float]]) -> list[str]:
    """The rates as a table of Markdown, in percent."""
    head = ["rule", *(f"{name} (held out)" if name == HELD_OUT else name for name in KINDS)]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * len(KINDS)]
    return lines + [f"| `{rule}` | " + " | ".join(f"{of[k]:.1%}" for k in KINDS) + " |" for rule, of in found.items()]


if __name__ == "__main__":
    print("\n".join(table(false_alarms(int(sys.argv[1])))))
