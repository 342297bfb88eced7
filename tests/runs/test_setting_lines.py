import os
from pathlib import Path

import pytest

from recbole_ext.places import RECBOLE
from recbole_ext.runs.setting_lines import SameSettings, differing

CARRIED = f"{RECBOLE}/dataset_example/ml-100k"


@pytest.mark.parametrize(
    ("key", "then", "now", "is_same"),
    [
        ("data_path", CARRIED, "dataset/ml-100k", True),  # as earlier versions recorded it
        ("data_path", f"{os.getcwd()}/data/a", "data/a", True),
        ("data_path", "/elsewhere/a", "data/a", False),
        ("data_path", CARRIED, "dataset/ml-1m", False),
        ("item_vectors", f"{os.getcwd()}/x.npy", "x.npy", True),
        ("item_vectors", f"{os.getcwd()}/x.npy", "y.npy", False),
        ("item_vectors", "a/x.npy", "x.npy", False),
        ("epochs", "3", "4", False),
    ],
)
def test_a_path_is_the_same_however_it_is_written(key: str, then: str, now: str, is_same: bool, tmp_path: Path) -> None:
    recorded, wanted = {key: f"{key}: {then}"}, {key: f"{key}: {now}"}
    assert (list(differing(recorded, wanted)) == []) == is_same
    (tmp_path / "config.yaml").write_text(f"# 1 values; x; format 1\n{key}: {then}  # command line\n")
    assert SameSettings(wanted).are_those_of(tmp_path) == is_same
