import json
from pathlib import Path

import numpy as np
import pytest

from dataset_tools.cli import main
from dataset_tools.drift.split_distances import SplitCounts, SplitDistance, split_distances
from dataset_tools.drift.split_table import distances_table

DAY = 86400


def counted(users: np.ndarray, items: np.ndarray, times: np.ndarray, values: np.ndarray) -> SplitCounts:
    counts = SplitCounts()
    for half in (slice(None, len(users) // 2), slice(len(users) // 2, None)):  # as ranges of a file arrive
        counts.add_ids(users[half], items[half])
        counts.add_times(times[half])
        counts.add_values(values[half])
    return counts


def made(n: int, seed: int, shift: int = 0) -> SplitCounts:
    """n rows of 50 users, 80 items, 30 days and 5 stars; `shift` moves the items and stars."""
    random = np.random.default_rng(seed)
    values = np.minimum(5, 1 + random.integers(5, size=n) + (shift > 0)).astype(float)
    users, items = random.integers(50, size=n), shift + random.integers(80, size=n)
    return counted(users, items, random.integers(30 * DAY, size=n), values)


def by_name(found: list[SplitDistance], split: str) -> dict[str, SplitDistance]:
    return {each.measure: each for each in found if each.split == split}


def test_a_random_split_is_as_far_as_chance_and_another_one_farther() -> None:
    found = split_distances({"train": made(6000, 1), "valid": made(2000, 2), "test": made(2000, 3, shift=40)})
    valid, test = by_name(found, "valid"), by_name(found, "test")
    assert valid.keys() == test.keys() and {"unknown_items", "items_js", "value_ks", "hours_js"} <= valid.keys()
    for name in ("items_js", "value_ks", "unknown_items"):
        assert abs(valid[name].value - valid[name].random) < 0.05, name
        assert test[name].value > test[name].random + 0.1, name
    assert test["unknown_items"].value == pytest.approx(0.5, abs=0.05)  # items 80 to 119 of 40 to 119
    assert split_distances({"train": made(600, 1), "test": made(200, 2)}) == split_distances(
        {"train": made(600, 1), "test": made(200, 2)}
    )


def test_what_a_split_does_not_have_is_left_out() -> None:
    plain = SplitCounts()
    plain.add_ids(np.array([0, 1, 1]), np.array([2, 2, 0]))
    found = split_distances({"train": plain, "test": plain})
    assert {each.measure for each in found} == {
        *("unknown_users", "unknown_items", "items_js", "popularity_psi", "top_lost", "gini", "lengths_ks")
    }
    assert all(each.value == 0 for each in found)
    assert split_distances({"train": plain}) == [] and split_distances({"train": plain, "test": SplitCounts()}) == []
    head, rows = distances_table([vars(each) for each in found])
    assert head == ["from training", "test", "test, random"] and rows[0][1] == "0.0%" and rows[2][1] == "0.0000"


def test_describe_compares_the_parts_of_a_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    for part, items in (("train", range(60)), ("valid", range(30, 60)), ("test", range(50, 90))):
        rows = [f"u{n % 7}\t{item}\t{1 + n % 5}\t{1000 * n}" for n, item in enumerate([*items] * 4)]
        (folder / f"cut.{part}.inter").write_text("\n".join([head, *rows]) + "\n")
    output = tmp_path / "d.json"
    assert main(["describe", str(folder), f"--json={output}", f"--html={tmp_path / 'd.html'}", "--quiet"]) == 0
    train, valid, test = json.loads(output.read_text())
    assert "distance from training" not in train
    name = "rows of items that are not known"
    assert (valid["distance from training"][name], test["distance from training"][name]) == (0.0, 0.75)
    assert test["of a random split of this size"][name] < 0.2
    assert "distance from training" in capsys.readouterr().out and name in (tmp_path / "d.html").read_text()
