"""An independent recount of a run's hits: plain loops over the rows as they were written, no batches, no top-k.

The model's scores are the run's; who is a candidate, what was seen and where the targets rank is counted here anew.
Equal scores can stand in any order, so a metric must lie between its value with the targets first and last among them.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import torch
from recbole.data.interaction import Interaction

from recbole_ext.serving.load import finished_config, load_run
from tests.fuzz.made_data import MadeData

INFINITY = float("inf")
_ROUNDED = 1e-4
_COUNTED = ("hit", "recall", "mrr")
_NARROWED = ("inter_num_interval", "val_interval", "rm_dup", "load_col", "benchmark_filename", "protocol")
Ranks = list[tuple[float, float]]
"""Best and worst rank of each target of one list among the candidates; infinity for a target that is none."""


def recounted(data: MadeData, run: Path, result: dict[str, Any], words: list[str]) -> list[str]:
    """Differences between the run's metrics and the recount, for runs on whole data that rank all items."""
    if not data.clean or any(word in key for key in words for word in _NARROWED):
        return []
    if result["model"] == "Random":  # its scores are other ones each time
        return []
    if result["protocol"]["candidates"] != "full" or not any(n.partition("@")[0] in _COUNTED for n in result["test"]):
        return []
    opened = load_run(run, finished_config(run))
    sequential = hasattr(opened.loaders.train._dataset, "events")
    lists = list((_of_sequences if sequential else _of_rows)(data, opened))
    return [fault for name, value in result["test"].items() for fault in _compared(name, value, lists)]


def _compared(name: str, value: float, lists: list[Ranks]) -> list[str]:
    """Whether a metric of the run lies between the bounds of the recount."""
    kind, _, cutoff = name.partition("@")
    if kind not in _COUNTED:
        return []
    gains = [[_gain(kind, [pair[side] for pair in ranks], int(cutoff)) for ranks in lists] for side in (1, 0)]
    low, high = (sum(of_lists) / len(lists) for of_lists in gains)
    if low - _ROUNDED <= value <= high + _ROUNDED:
        return []
    return [f"test {name} is {value}; counted by hand it lies between {low:.4f} and {high:.4f} ({len(lists)} lists)"]


def _gain(kind: str, ranks: list[float], k: int) -> float:
    found = [rank for rank in ranks if rank <= k]
    if kind == "recall":
        return len(found) / len(ranks)
    return 0.0 if not found else 1.0 if kind == "hit" else 1.0 / min(found)


def _scores(opened: Any, rows: Any) -> list[dict[str, float]]:
    """Each row's score of every item, by its token."""
    dataset = opened.loaders.test._dataset
    items = dataset.field2id_token[dataset.iid_field]
    with torch.no_grad():
        scores = _matrix(opened.model, rows.to(opened.config["device"]), dataset)
    return [{str(items[k]): float(row[k]) for k in range(1, len(items))} for row in scores.cpu()]


def _matrix(model: Any, rows: Any, dataset: Any) -> torch.Tensor:
    """(R, n_items) scores; of a model that scores pairs alone, pair by pair."""
    try:
        return model.full_sort_predict(rows).view(len(rows), -1)
    except NotImplementedError:
        pairs = rows.repeat_interleave(dataset.item_num)
        pairs.update(Interaction({dataset.iid_field: torch.arange(dataset.item_num).repeat(len(rows))}))
        return model.predict(pairs).view(len(rows), -1)


def _of_sequences(data: MadeData, opened: Any) -> Iterator[Ranks]:
    """Of each user the newest event is the target, and all before it is seen."""
    dataset = opened.loaders.test._dataset
    users, items = dataset.field2id_token[dataset.uid_field], dataset.field2id_token[dataset.iid_field]
    sequences = _sequences(data)
    for rows, *_ in opened.loaders.test:
        scores = _scores(opened, rows)
        for row in range(len(rows)):
            *history, last = sequences[str(users[int(rows[dataset.uid_field][row])])]
            if last != str(items[int(rows[dataset.iid_field][row])]):
                yield [(-1.0, -1.0)]  # not the newest event: outside of all bounds
                continue
            seen = set(history) if opened.config["filter_seen_items"] else set()
            yield [_rank(scores[row], last, seen)]


def _of_rows(data: MadeData, opened: Any) -> Iterator[Ranks]:
    """Of each user the rows of the test split are the targets, and those of the others are seen."""
    splits = [Counter(_pairs(loader)) for loader in (opened.loaders.train, opened.loaders.valid, opened.loaders.test)]
    if sum(splits, Counter()) != Counter((str(user), str(item)) for user, item, *_ in data.events):
        yield [(-1.0, -1.0)]  # the splits are not the rows of the file
        return
    dataset = opened.loaders.test._dataset
    users = dataset.field2id_token[dataset.uid_field]
    for rows, *_ in opened.loaders.test:
        scores = _scores(opened, rows)
        for row in range(len(rows)):
            user = str(users[int(rows[dataset.uid_field][row])])
            targets = {item for who, item in splits[2] if who == user}
            before = {item for who, item in splits[0] + splits[1] if who == user}
            seen = before if opened.config["filter_seen_items"] else set()
            yield [_rank(scores[row], target, seen) for target in sorted(targets)]


def _pairs(loader: Any) -> list[tuple[str, str]]:
    """User and item of each row of a split."""
    if loader is None:
        return []
    dataset = loader._dataset
    users, items = (dataset.field2id_token[field] for field in (dataset.uid_field, dataset.iid_field))
    columns = (dataset.inter_feat[field].tolist() for field in (dataset.uid_field, dataset.iid_field))
    return [(str(users[u]), str(items[i])) for u, i in zip(*columns, strict=True)]


def _rank(scores: dict[str, float], target: str, seen: set[str]) -> tuple[float, float]:
    """A target's rank before and behind its equals."""
    if target in seen:
        return INFINITY, INFINITY
    others = [score for item, score in scores.items() if item not in seen and item != target]
    above = sum(score > scores[target] for score in others)
    return above + 1, above + sum(score == scores[target] for score in others) + 1


def _sequences(data: MadeData) -> dict[str, list[str]]:
    """Each user's items in the order of time, ties and files without times in the order of the file."""
    rows: dict[str, list[tuple[Decimal, str]]] = {}
    for user, item, _, time in data.events:
        rows.setdefault(str(user), []).append((Decimal(str(time) if "time" in data.columns else 0), str(item)))
    return {user: [item for _, item in sorted(of_user, key=lambda row: row[0])] for user, of_user in rows.items()}
