"""A few users as reports show them: what they had before, what was recommended or predicted, and what came."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from recbole_ext.evaluation.analysis.list_record import TOP, ExampleList, example_users

_SHOWN, _LONGEST = 10, 120
"""Items of a history that are shown, the newest, and targets; letters of a title."""


def example_lists(
    lists: Mapping[int, ExampleList], earlier: list[Any], users: np.ndarray, items: np.ndarray
) -> list[dict[str, Any]]:
    """Users with their lists; items are tokens.

    Args:
        lists: user id -> list.
        earlier: splits before the tested one, for histories that the lists do not have.
        users, items: tokens by id.
    """
    found = []
    for user, of in sorted(lists.items()):
        history = _history(earlier, user) if of.history is None else of.history
        missed = [item for item in of.targets if item not in of.items]
        found.append(
            {
                "user": str(users[user]),
                "history_length": len(history),
                "history": [str(items[item]) for item in history[-_SHOWN:]],
                "list": [{"item": str(items[item]), "target": item in of.targets} for item in of.items],
                "missed": [{"item": str(items[item]), "place": of.targets[item]} for item in missed[:_SHOWN]],
                "targets": len(of.targets),
            }
        )
    return found


def example_values(
    rows: pd.DataFrame, columns: tuple[str, str], earlier: list[Any], users: np.ndarray, items: np.ndarray
) -> list[dict[str, Any]]:
    """Users with predicted rows, the highest prediction first; items are tokens.

    Args:
        rows: tested rows with ids `user` and `item`.
        columns: of the true and of the predicted value.
        earlier, users, items: see `example_lists`.
    """
    found = []
    for user in example_users(rows["user"].to_numpy()).tolist():
        mine = rows[rows["user"] == user].sort_values(columns[1], ascending=False, kind="stable")
        values = zip(mine["item"], *(mine[name] for name in columns), strict=True)
        history = _history(earlier, user)
        found.append(
            {
                "user": str(users[user]),
                "history_length": len(history),
                "history": [str(items[item]) for item in history[-_SHOWN:]],
                "rows": len(mine),
                "predicted": [
                    {"item": str(items[item]), "true": float(true), "predicted": float(value)}
                    for item, true, value in list(values)[:TOP]
                ],
            }
        )
    return found


def with_titles(examples: list[dict[str, Any]], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same, with `titles` (item -> title) of the items of each user that have one."""
    for example in examples:
        named = tokens_of(example)
        example["titles"] = {token: titles[token][:_LONGEST] for token in named if token in titles}
    return examples


def tokens_of(example: Mapping[str, Any]) -> list[str]:
    """Every item that a user's example names."""
    entries = [entry for key in ("list", "missed", "predicted") for entry in example.get(key, [])]
    return list(dict.fromkeys([*example["history"], *(entry["item"] for entry in entries)]))


def _history(earlier: list[Any], user: int) -> list[int]:
    """The items of a user in the earlier splits, in their order."""
    found: list[int] = []
    for part in earlier:
        of = np.asarray(part.inter_feat[part.uid_field])
        items = np.asarray(part.inter_feat[part.iid_field])
        found += items[of == user].tolist()
    return found
