"""The numbers of a comparison: each entry compared with a reference, over users and over seeds."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ext.comparison.entries import Entry
from recbole_ext.diagnosis.finding import limit
from recbole_ext.evaluation.statistics import LEVEL, OverSeeds, holm, middle, over_seeds, resampled, sign_flip_p
from recbole_ext.evaluation.units import shape


@dataclass
class Row:
    """An entry compared with the reference.

    Attributes:
        entry: whose.
        own: the metric over its seeds.
        smaller: whether less of the metric is better.
        difference: own mean minus the reference's; None for the reference itself.
        users: 95 % interval of the difference over users; None where the data do not support it.
        users_p: of the sign flip over users, corrected by `correct`.
        seeds: the differences over the seeds that both have; its p is corrected too.
    """

    entry: Entry
    own: OverSeeds
    smaller: bool = False
    difference: float | None = None
    users: tuple[float, float] | None = None
    users_p: float | None = None
    seeds: OverSeeds | None = None
    seeds_p: float | None = None

    def verdict(self) -> str:
        """Whether a difference is shown; "" for the reference.

        Over several seeds it must hold over users and over seeds; with one, it is of these trained models only.
        """
        if self.difference is None:
            return ""
        if self.users_p is None and self.seeds_p is None:
            return "no claim"
        by_users = _is_shown(self.users_p, self.users)
        by_seeds = _is_shown(self.seeds_p, (self.seeds.low, self.seeds.high) if self.seeds else None)
        word = "better" if (self.difference < 0) == self.smaller else "worse"
        if by_seeds and (by_users or self.users_p is None):
            return word
        return f"{word}, these models only" if by_users else "not shown"


def _is_shown(p: float | None, interval: tuple[float | None, float | None] | None) -> bool:
    """Whether a test finds a difference, and the interval beside it does not hold 0: both are resampled apart."""
    if p is None or p >= LEVEL:
        return False
    low, high = interval or (None, None)
    return low is None or high is None or low > 0 or high < 0


@dataclass(frozen=True)
class Table:
    """One metric of one group.

    Attributes:
        metric: its name.
        reference: the entry to which differences are taken.
        rows: the reference's first.
        n_users: tested; None where it is not known.
    """

    metric: str
    reference: Entry
    rows: list[Row]
    n_users: int | None

    @property
    def smaller(self) -> bool:
        """Whether less of the metric is better."""
        return self.rows[0].smaller


def compare_entries(entries: list[Entry], reference: Entry, metric: str) -> Table:
    """Values, differences, intervals and uncorrected tests.

    Args:
        entries: of one group, the reference among them.
        reference: one of them.
        metric: that all of them have.
    """
    order = [reference, *(entry for entry in entries if entry is not reference)]
    smaller = any(metric in run.smaller for entry in entries for run in entry.runs)
    rows = [Row(entry, over_seeds([entry.test(run)[metric] for run in entry.runs]), smaller) for entry in order]
    for row in rows[1:]:
        row.difference = row.own.mean - rows[0].own.mean
        if carries(row.entry) and carries(reference):
            row.seeds = _over_common_seeds(row.entry, reference, metric)
            row.seeds_p = row.seeds.p if row.seeds else None
    return Table(metric, reference, rows, _over_users(rows, metric))


def _over_common_seeds(entry: Entry, reference: Entry, metric: str) -> OverSeeds | None:
    """Differences paired by seed; a non-learned baseline is the same for each, unless their splits differ."""
    ours, theirs = ({run.seed: e.test(run)[metric] for run in e.runs} for e in (entry, reference))
    if entry.baseline and reference.baseline:
        return None
    if entry.baseline and len(ours) == 1:
        ours = dict.fromkeys(theirs, next(iter(ours.values())))
    if reference.baseline and len(theirs) == 1:
        theirs = dict.fromkeys(ours, next(iter(theirs.values())))
    common = [seed for seed in ours if seed in theirs]
    return over_seeds([ours[seed] - theirs[seed] for seed in common]) if len(common) > 1 else None


def _over_users(rows: list[Row], metric: str) -> int | None:
    """Fill in intervals and tests over users; returns how many users there are."""
    known = [row for row in rows if _has_units(row.entry, metric)]
    if rows[0] not in known:
        return None
    unit = known[0].entry.units(known[0].entry.runs[0])
    assert unit is not None
    same = [row for row in known[1:] if _rows_of(row.entry) == unit.tested.rows]
    tested = [row for row in same if carries(row.entry) and carries(rows[0].entry)]
    if tested:
        weight = unit.weights[metric]
        totals = [_totals(row.entry, metric) for row in (rows[0], *tested)]
        samples = _sampled_values(totals, weight, metric)
        means = np.stack([total.mean(axis=1) for total in totals[1:]], axis=1) - totals[0].mean(axis=1)[:, None]
        p_values = sign_flip_p(means / weight.sum())
        for i, row in enumerate(tested):
            row.users, row.users_p = middle(samples[i + 1] - samples[0]), float(p_values[i])
    return len(unit.tested.users)


def _has_units(entry: Entry, metric: str) -> bool:
    found = [entry.units(run) for run in entry.runs]
    return len({unit.tested.rows for unit in found if unit}) == 1 and all(u and metric in u.totals for u in found)


def _rows_of(entry: Entry) -> int | None:
    """Fingerprint of the rows that its runs were tested on, where all were on the same."""
    unit = entry.units(entry.runs[0])
    return unit.tested.rows if unit else None


def _totals(entry: Entry, metric: str) -> np.ndarray:
    """(m, runs)."""
    found = [entry.units(run) for run in entry.runs]
    return np.stack([unit.totals[metric] for unit in found if unit], axis=1)


def _sampled_values(totals: list[np.ndarray], weight: np.ndarray, metric: str) -> list[np.ndarray]:
    """Each entry's metric, the mean over its runs, in each resample of users: (resamples,)."""
    sums = resampled(np.concatenate([*totals, weight[:, None]], axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = shape(metric)(sums[:, :-1] / sums[:, -1:])
    ends = np.cumsum([total.shape[1] for total in totals])
    return [values[:, end - total.shape[1] : end].mean(axis=1) for end, total in zip(ends, totals, strict=True)]


def correct(tables: list[Table]) -> int:
    """Replace all p values of the tables by Holm's, over all of them together; returns how many tests there are."""
    places = [(row, name) for table in tables for row in table.rows for name in ("users_p", "seeds_p")]
    places = [(row, name) for row, name in places if getattr(row, name) is not None]
    for (row, name), p in zip(places, holm([getattr(row, name) for row, name in places]), strict=True):
        setattr(row, name, p)
    return len(places)


def carries(entry: Entry) -> bool:
    """Whether anything may be tested: not a single seed of several that were planned."""
    return len(entry.runs) > 1 or len(entry.runs) == entry.planned_seeds


def cannot_say(entry: Entry) -> str:
    """Conclusions that the entry's seeds and epochs do not support; "" if there is none."""
    if entry.baseline:
        return ""
    done, planned = len(entry.runs), entry.planned_seeds
    longest = max(entry.runs, key=lambda run: run.epochs, default=None)
    silent = ["variance"] if done < 2 else []
    silent += ["best epoch"] if not longest or longest.epochs < limit("few_epochs") else []
    silent += [] if carries(entry) else ["significance"]
    if not silent and done == planned:
        return ""
    seeds = f"{done} of {planned} seeds" if planned > 1 or not done else "1 seed"
    trained = [f"{longest.epochs} of {longest.planned_epochs} epochs"] if longest else []
    facts = [seeds, *trained, *entry.unfinished]
    text = f"{entry.name}: {', '.join(facts)}"
    return f"{text}: no statement on {_listed(silent)} is possible" if silent else f"{text}: the plan is not finished"


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def as_facts(table: Table) -> dict[str, Any]:
    """A table as JSON holds it."""
    return {
        "metric": table.metric,
        "reference": table.reference.name,
        "users": table.n_users,
        "rows": [
            {
                "name": row.entry.name,
                "counted": row.entry.baseline is not None,
                "seeds": sorted(run.seed for run in row.entry.runs) if not row.entry.baseline else [],
                "mean": row.own.mean,
                "std": row.own.std,
                "interval": None if row.own.low is None else [row.own.low, row.own.high],
                "difference": row.difference,
                "interval_over_users": row.users,
                "p_over_users": row.users_p,
                "interval_over_seeds": None if row.seeds is None else [row.seeds.low, row.seeds.high],
                "p_over_seeds": row.seeds_p,
                "shown": row.verdict(),
                "cost": row.entry.cost,
            }
            for row in table.rows
        ],
    }
