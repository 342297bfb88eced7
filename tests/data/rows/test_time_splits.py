"""Leave-one-out and the split by time against loops over users, and end to end for ratings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.config.config import Config
from recbole_ext.data.rows.time_splits import leave_out_rows, split_by_time
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from tests.conftest import write_inter

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
USERS = st.lists(st.integers(0, 4), min_size=1, max_size=40)
MODES = {"valid_and_test": [1, 2], "valid_only": [1], "test_only": [2]}


@given(USERS, st.sampled_from(sorted(MODES)), st.randoms(use_true_random=False))
def test_leave_one_out_is_recboles(users: list[int], mode: str, random: Any) -> None:
    order = list(range(len(users)))
    random.shuffle(order)
    split = leave_out_rows(np.array(users), np.array(order), mode)
    for user in set(users):
        rows = [row for row in order if users[row] == user]
        left_out = MODES[mode][-min(len(MODES[mode]), len(rows) - 1) :] if len(rows) > 1 else []
        assert split[rows].tolist() == [0] * (len(rows) - len(left_out)) + left_out


@given(USERS, st.integers(1, 5), st.integers(0, 5), st.integers(1, 5))
def test_the_split_by_time_is_one_instant_and_then_each_users_oldest(users: list[int], a: int, b: int, c: int) -> None:
    times = np.array([(7 * n) % 11 for n in range(len(users))])
    split = split_by_time(np.array(users), times, [a, b, c])
    instant = np.percentile(times, 100 * (1 - c / (a + b + c)))
    assert (split == 2).tolist() == (times > instant).tolist()
    for user in set(users):
        rows = sorted(
            (row for row in range(len(users)) if users[row] == user and split[row] != 2), key=times.__getitem__
        )
        trained = len(rows) * a // (a + b)
        assert split[rows].tolist() == [0] * trained + [1] * (len(rows) - trained)


@pytest.mark.parametrize(
    ("model", "split", "sizes"),
    [
        ("HybridVAE", {"split": {"RS": [0.7, 0.3]}}, (28, 0, 12)),
        ("HybridVAE", {"split": {"LS": "test_only"}, "order": "TO"}, (35, 0, 5)),
        ("HybridVAE", {"split": {"LS": "valid_and_test"}, "order": "TO"}, (30, 5, 5)),
        ("HybridVAE", {"split": {"TS": [3, 1]}, "order": "TO"}, (30, 0, 10)),
        ("HybridVAE", {"split": {"TS": [2, 1, 1]}, "order": "TO"}, (20, 10, 10)),
        ("BPR", {"split": {"TS": [2, 1]}, "order": "TO"}, (30, 0, 10)),
        ("BPR", {"split": {"RS": [3, 1]}, "group_by": "user"}, (30, 0, 10)),
        ("BPR", {"split": {"LS": "test_only"}, "order": "TO"}, (35, 0, 5)),
    ],
    ids=str,
)
def test_every_split_of_every_task_has_its_rows(
    make_config: Callable[..., Config], tmp_path: Path, model: str, split: dict[str, Any], sizes: tuple[int, ...]
) -> None:
    """5 users with 8 rows each; one row of each user per second, so that an instant cuts all of them alike."""
    rows = [(u, f"i{(u + k) % 12}", (u * k) % 5 + 1, 100 + k) for k in range(8) for u in range(5)]
    root = write_inter(tmp_path, "made", rows, HEADER)
    config = make_config(model, root, load_col=None, eval_args=split, topk=[2], **_metric(model))
    found = build_loaders(config, create_dataset(config))
    parts = [loader and loader._dataset for loader in (found.train, found.valid, found.test)]
    assert tuple(len(part) if part else 0 for part in parts) == sizes


def _metric(model: str) -> dict[str, Any]:
    return {} if model == "HybridVAE" else {"valid_metric": "MRR@2"}
