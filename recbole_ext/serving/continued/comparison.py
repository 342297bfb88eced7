"""Old and continued weights on the same new rows, the newest ones, which neither was trained on or chosen by."""

from typing import Any

import pandas as pd

from recbole_ext.evaluation.row_metrics import Measure, RowMetrics, paired_differences
from recbole_ext.serving.continued.new_rows import TEST, TRAIN, VALID, NewRows
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.later.evaluate import LaterEvaluation
from recbole_ext.serving.later.left_out import UNKNOWN_ITEM, counted
from recbole_ext.serving.later.result import measured_rows
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.ranking.evaluation.row_metrics import RankedRows

VERSION = 1
KIND = "continued"


class _OldCandidates:
    """The continued model as one of the earlier run: ids keep their numbers, and the new items are no candidates.

    Args:
        model: of the continued run.
        n_items: of the earlier run, with the padding.
    """

    def __init__(self, model: Any, n_items: int) -> None:
        self.model, self.n_items = model, n_items

    def eval(self) -> "_OldCandidates":
        """For evaluation."""
        self.model.eval()
        return self

    def predict(self, rows: Any) -> Any:
        """See the model."""
        return self.model.predict(rows)

    def full_sort_predict(self, rows: Any) -> Any:
        """(R, n_items)."""
        scores = self.model.full_sort_predict(rows)
        return scores.view(len(rows), -1)[:, : self.n_items].contiguous()


def compared(old: LoadedRun, continued: LoadedRun, new: NewRows) -> dict[str, Any]:
    """Both on the tested new rows, as plain values.

    Args:
        old: the run before.
        continued: the run after.
        new: the rows.
    """
    tested, before = new.of(TEST).reset_index(drop=True), new.of(TRAIN, VALID).reset_index(drop=True)
    frame = LaterEvaluation(old, tested, before if has_events(old) else None).of_users(None)
    at_old = frame.table_by(old.model)
    at_new = frame.table_by(_OldCandidates(continued.model, old.train.item_num))
    every = LaterEvaluation(continued, tested, None, test_rows=True).of_users(None).table_by(continued.model)
    return {
        "version": VERSION,
        "kind": KIND,
        "old_run": old.path.resolve().name,
        "run": continued.path.resolve().name,
        "task": old.config.entry.task,
        "replay": (continued.config["replay"] or {"share": 1.0})["share"],
        "valid_metric": str(old.config["valid_metric"]).lower(),
        "candidates": old.train.item_num - 1 if isinstance(frame.row_metrics, RankedRows) else None,
        "rows": {name: int((new.part == name).sum()) for name in (TRAIN, VALID, TEST)},
        "starts": new.starts,
        "left_out": new.left_out,
        "new_users": new.new_users,
        "new_items": new.new_items,
        "groups": _groups(frame.row_metrics, at_old, at_new, every),
        "not_evaluated_by_old": counted(at_old["left_out"].to_numpy()),
        "notes": [*old.notes, *continued.notes, *([frame.sample] if frame.sample else [])],
    }


def _groups(
    row_metrics: RowMetrics, at_old: pd.DataFrame, at_new: pd.DataFrame, every: pd.DataFrame
) -> dict[str, dict[str, Any]]:
    """Groups of rows: those that the old weights evaluate, by both among the same candidates, and the others."""
    both = at_old["evaluated"].to_numpy() & at_new["evaluated"].to_numpy()
    user = at_old["known_user"].to_numpy()
    pairs = {"both": both, "both_known_users": both & user, "both_new_users": both & ~user}
    groups = {name: _pair(row_metrics, at_old[rows], at_new[rows]) for name, rows in pairs.items()}
    groups["new_alone"] = _alone(row_metrics, every[every["evaluated"].to_numpy() & ~both])
    groups["all"] = _alone(row_metrics, every) | {"old": _with_misses(row_metrics, at_old)}
    return groups


def _pair(row_metrics: RowMetrics, old: pd.DataFrame, new: pd.DataFrame) -> dict[str, Any]:
    measures = [measured_rows(row_metrics, table) for table in (old, new)]
    difference = paired_differences(row_metrics, new, old) if len(old) else Measure(0, 0)
    named = zip(("old", "continued", "difference"), [*measures, difference], strict=True)
    return {"rows": len(old), "users": measures[0].users} | {name: of.as_dict() for name, of in named}


def _alone(row_metrics: RowMetrics, table: pd.DataFrame) -> dict[str, Any]:
    found = measured_rows(row_metrics, table)
    return {"rows": found.rows, "users": found.users, "old": {}, "continued": found.as_dict(), "difference": {}}


def _with_misses(row_metrics: RowMetrics, table: pd.DataFrame) -> dict[str, Any]:
    """The old weights with targets that they cannot rank as missed; {} where values are predicted."""
    if not isinstance(row_metrics, RankedRows):
        return {}
    missed = (table["left_out"] == UNKNOWN_ITEM).to_numpy()
    zero = {name: table[name].where(~missed, 0.0) for name in row_metrics.columns}
    return measured_rows(row_metrics, table.assign(**zero, evaluated=table["evaluated"] | missed)).as_dict()
