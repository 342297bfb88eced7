"""A finished run on interactions that came later: by its protocol, with the histories known by then.

Models of sequences and of clicks see every event before each row, whatever file it is from. Models that rank one list
for each user, and models of ratings, see of a user what training saw, as in their test.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch

from recbole_ext.config.keys.train_on import ALL, ALL_ROWS
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.predicted_values import ValuePredictor, Values
from recbole_ext.evaluation.row_metrics import Measure, RowMetrics, ValueRows
from recbole_ext.serving.folded_users import folder_of
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.later.clicks import click_part
from recbole_ext.serving.later.files import Given, read_events
from recbole_ext.serving.later.folded import fold_in_new_users
from recbole_ext.serving.later.left_out import OWN, UNKNOWN_ITEM, UNKNOWN_USER, counted, reasons, require_some
from recbole_ext.serving.later.parts import Chosen, LaterPart, row_part, sequence_parts
from recbole_ext.serving.later.ranked import RankedTargets
from recbole_ext.serving.later.result import MISSES, Group, LaterResult, group_of, groups_of, measured_rows
from recbole_ext.serving.later.rows import TEST, LaterRows, check_order
from recbole_ext.serving.later.sampled import sampled_targets
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.ranking.evaluation.row_metrics import RANK, RankedRows
from recbole_ext.tasks.registered import task_of


def evaluate_later(
    run: LoadedRun, later: Given, history: Given | None = None, test_rows: bool = False, users: int | None = None
) -> LaterResult:
    """Evaluate the best weights on later interactions.

    Args:
        run: opened.
        later: an atomic file (`.inter`), a data set's folder, or a table with the columns that the run reads.
        history: interactions between the run and the later ones that are known and not evaluated.
        test_rows: whether rows of the run's own test split are evaluated where they come again; they see what the
            test showed them. Rows of training and validation never are.
        users: size of a sample of the users, whose rows are evaluated; 0 for all, None for that of the run's test
            (`tested_users`).

    Raises:
        DataError: a column is missing or of another type, a value is no number, all interactions are earlier than the
            end of the training data, or none can be evaluated.
        UsageError: the model's rows bring histories along, which later interactions do not have; or an argument is of
            another type.
    """
    return LaterEvaluation(run, later, history, test_rows).of_users(users).result


class LaterEvaluation:
    """Later interactions, prepared once to be evaluated by a run and by its baselines.

    Args:
        run, later, history, test_rows: see `evaluate_later`.

    Attributes:
        whole: the same with all interactions as targets that may be.

    Raises:
        DataError, UsageError: see `evaluate_later`.
    """

    def __init__(self, run: LoadedRun, later: Given, history: Given | None = None, test_rows: bool = False) -> None:
        if not isinstance(test_rows, bool):
            raise UsageError(f"test_rows must be True or False (got {test_rows!r})")
        self.run, self.task = run, task_of(run.config.entry)
        self.later = LaterRows(run, read_events(run, later))
        self.early = check_order(self.later)
        own = np.flatnonzero(self.later.split == TEST) if test_rows else np.zeros(0, dtype=np.int64)
        own = own[np.unique(self.later.place[own], return_index=True)[1]]  # each row once, in the order of the split
        of = self.later
        new = np.flatnonzero(of.named & (of.split < 0) & of.wanted & (of.item > 0))
        known = None if history is None else LaterRows(run, read_events(run, history))
        self.chosen = Chosen(run, self.later, new, own, known, np.ones(len(self.later), dtype=bool))
        self.row_metrics: RowMetrics = self.task.row_metrics(run.config)
        self.whole = self

    @cached_property
    def result(self) -> LaterResult:
        """What the run reaches."""
        return self.by(self.run.model)

    def baselines(self) -> dict[str, Measure]:
        """What the run's non-learned baselines reach on the same rows, counted from its training split alone."""
        config, train = self.run.config, self.run.train
        known = self.task.baselines(config, self.run.loaders)
        names = known if config["baselines"] is None else [name for name in config["baselines"] if name in known]
        evaluated = self.result.table["evaluated"]
        tables = {name: self.table_by(known[name](train, config)) for name in names}
        return {name: measured_rows(self.row_metrics, of[evaluated & of["evaluated"]]) for name, of in tables.items()}

    def only(self, targets: np.ndarray) -> "LaterEvaluation":
        """Some of the interactions, (n,) bool, as targets; the others stay what is known before these."""
        some = copy.copy(self)
        for name in ("parts", "result"):
            vars(some).pop(name, None)
        some.chosen = self.chosen.only(targets)
        return some

    def of_users(self, count: int | None, place: np.ndarray | None = None) -> "LaterEvaluation":
        """Rows of a sample of users as targets, see `sampled_targets`; of the size of the run's test where None."""
        size = self.run.config["tested_users"] if count is None else count
        return self.only(sampled_targets(self.later, size, place))

    def table_by(self, model: Any) -> pd.DataFrame:
        """The table of `LaterResult` by a model, see `by`; none of its rows needs to be evaluated."""
        found = self._found(model)
        return self._table(found, self._left_out(found))

    def by(self, model: Any) -> LaterResult:
        """What a model reaches: that of the run, or anything with its `predict` or `full_sort_predict` and `eval`.

        Raises:
            DataError: none of the interactions can be evaluated.
        """
        found = self._found(model)
        left_out = self._left_out(found)
        require_some(self.later, left_out)
        table = self._table(found, left_out)
        groups = groups_of(self.row_metrics, table)
        if isinstance(self.row_metrics, RankedRows):
            groups |= {MISSES: self._with_misses(table)}
        counts = counted(left_out)
        return LaterResult(
            metrics=found.metrics(),
            intervals=measured_rows(self.row_metrics, table).intervals,
            groups=groups,
            rows=int(found.evaluated.sum()),
            unknown_users=counts.get(UNKNOWN_USER, 0),
            unknown_items=counts.get(UNKNOWN_ITEM, 0),
            left_out=counts,
            notes=tuple(self._notes(counts)),
            table=table,
            row_metrics=self.row_metrics,
        )

    def _found(self, model: Any) -> "_Found":
        scorer = self.task.scorer(self.run.config, self.run.loaders.train)
        return (_values if isinstance(scorer, ValuePredictor) else _ranks)(self, model.eval(), scorer)

    @cached_property
    def parts(self) -> list[tuple[LaterPart, Any]]:
        """The interactions as splits, each with its loader; those of unknown users are apart."""
        chosen, config = self.chosen, self.run.config
        if has_events(self.run):
            parts = sequence_parts(chosen)
        elif hasattr(self.run.train, "past"):
            parts = [part for part in [click_part(chosen)] if part is not None]
        else:
            parts = [part for part in [row_part(chosen)] if len(part.rows)]
        loaders = [self.task.later_loader(config, self.run.loaders, part.part, part.earlier) for part in parts]
        return [*self._tested_clicks(), *zip(parts, loaders, strict=True)]

    def _tested_clicks(self) -> list[tuple[LaterPart, Any]]:
        """Tested rows of a click model, which see what the test showed them."""
        if not hasattr(self.run.train, "past") or not len(self.chosen.own):
            return []
        tested, places = self.run.loaders.test.dataset, self.later.place[self.chosen.own]
        return [(LaterPart(tested, self.chosen.own, []), ClickLoader(self.run.config.alone(), tested, rows=places))]

    def _left_out(self, found: "_Found") -> np.ndarray:
        own, tried = (np.zeros(len(self.later), dtype=bool) for _ in range(2))
        own[self.chosen.own] = True
        for part, _ in self.parts:
            tried[part.rows] = True
        return reasons(self.later, found.evaluated, self.chosen.targets, own, tried, found.new_users)

    def _table(self, found: "_Found", left_out: np.ndarray) -> pd.DataFrame:
        """See `LaterResult.table`."""
        train, given = self.run.train, self.later.table
        columns = {"user": given[train.uid_field], "item": given[train.iid_field]}
        columns |= {"time": given[train.time_field]} if self.later.time is not None else {}
        known_user, known_item = self.later.trained
        table = pd.DataFrame(columns).reset_index(drop=True)
        facts = {"known_user": known_user, "known_item": known_item, "evaluated": found.evaluated}
        return table.assign(**facts, left_out=pd.Categorical(left_out), **found.values)

    def _with_misses(self, table: pd.DataFrame) -> Group:
        """The evaluated rows, and those of items that the run cannot rank, as missed."""
        missed = (table["left_out"] == UNKNOWN_ITEM).to_numpy()
        zero = {name: table[name].where(~missed, 0.0) for name in self.row_metrics.columns}
        counted = table.assign(**zero, evaluated=table["evaluated"] | missed)
        rows = counted[counted["evaluated"].to_numpy()]
        return group_of(rows, lambda some: measured_rows(self.row_metrics, some))

    def _notes(self, counts: dict[str, int]) -> Iterator[str]:
        yield from self.run.notes
        if self.run.config["train_on"] == ALL:
            yield f"the run was {ALL_ROWS}, so it has no test of its own beside which to see these metrics"
        if self.early:
            yield (
                f"{self.early:,} interactions are dated before the end of the training data; the weights know what "
                "came after them"
            )
        if counts.get(OWN):
            yield f"{counts[OWN]:,} interactions are rows of the run itself; they are not later and were left out"
        if len(self.chosen.own):
            yield f"{len(self.chosen.own):,} of the interactions are rows of the run's own test"
        if self.sample:
            yield self.sample
        if not self.later.identified:
            yield "without times, rows of the run cannot be recognised among the later interactions"
        yield from self._notes_on_history(counts)

    @property
    def sample(self) -> str:
        """That some users alone are evaluated; "" for all."""
        if self.chosen.targets.all():
            return ""
        group, named = self.later.group, self.later.named
        sampled, every = (len(np.unique(group[rows & named])) for rows in (self.chosen.targets, True))
        seed = self.run.config["candidate_seed"]
        return (
            f"{sampled:,} of {every:,} users were sampled (candidate_seed {seed}); the others are known, not evaluated"
        )

    def _notes_on_history(self, counts: dict[str, int]) -> Iterator[str]:
        of_users = isinstance(self.row_metrics, RankedRows) and self.row_metrics.lists_of_users
        if counts.get(UNKNOWN_USER) and of_users and self.chosen.history is None and folder_of(self.run) is not None:
            yield f"{self.run.config.model} ranks new users from a history, and none is given"
        if self.chosen.history is not None and isinstance(self.row_metrics, ValueRows) and not has_events(self.run):
            yield f"{self.run.config.model} predicts from its training data, so the history is not read"
        if self.chosen.n_again:
            yield (
                f"{self.chosen.n_again:,} interactions of the history are among the later ones too; they are known "
                "from their own time on"
            )


@dataclass(frozen=True)
class _Found:
    """What one model gives.

    Attributes:
        metrics: computes the run's metrics over all evaluated rows.
        values: column -> (n,) float64, NaN where a row was not evaluated.
        new_users: whether users are evaluated whom the run does not know.
    """

    metrics: Callable[[], dict[str, float]]
    values: dict[str, np.ndarray]
    new_users: bool

    @property
    def evaluated(self) -> np.ndarray:
        """(n,) bool."""
        return ~np.isnan(next(iter(self.values.values())))


def _ranks(of: LaterEvaluation, model: Any, scorer: Any) -> _Found:
    """The places of the targets, and the metrics of lists with one target each."""
    assert isinstance(of.row_metrics, RankedRows)
    ranked = RankedTargets(of.run, model, scorer, len(of.later))
    answered = [ranked.add(part, loader) for part, loader in of.parts]
    if of.row_metrics.lists_of_users:
        fold_in_new_users(ranked, of.chosen, model)
    evaluated = ranked.rank >= 0
    places = ranked.rank[evaluated]
    columns = {name: np.full(len(evaluated), np.nan) for name in of.row_metrics.columns}
    for name, values in {RANK: places, **(of.row_metrics.values(places) if len(places) else {})}.items():
        columns[name][evaluated] = values
    return _Found(ranked.metrics, columns, has_events(of.run) and all(answered))


@torch.no_grad()
def _values(of: LaterEvaluation, model: Any, scorer: Any) -> _Found:
    """Predicted values of the rows of known users."""
    truth, predicted = np.full(len(of.later), np.nan), np.full(len(of.later), np.nan)
    parts = [(part, loader) for part, loader in of.parts if part.known_users]
    for part, loader in parts:
        found = scorer.values(model, loader)
        truth[part.rows], predicted[part.rows] = found.truth, found.predicted

    def metrics() -> dict[str, float]:
        rows = np.concatenate([part.rows for part, _ in parts])
        return scorer.measured(parts[0][0].part, Values(of.later.user[rows], truth[rows], predicted[rows])).metrics

    return _Found(metrics, dict(zip(of.row_metrics.columns, (truth, predicted), strict=True)), False)
