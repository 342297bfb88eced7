"""Values of a stream beside those of the past, however they are written."""

from pathlib import Path

import pytest

from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.drift.watch.judge import Judge
from dataset_tools.drift.watch.profile import read_profile
from dataset_tools.drift.watch.window import Window


@pytest.mark.parametrize("missing", [{}, {"": 5}, {"nan": 1}])
def test_numbers_of_a_stream_are_those_of_the_past(profile: Path, missing: dict[str, int]) -> None:
    past = read_profile(profile)
    window = Window(items={"1": 9}, users={"u": 9}, rows=9, values={f"{name}.0": n for name, n in past.values.items()})
    window.values |= missing
    found = Judge(past, load_thresholds(None)).judge(window, 1)["measures"]
    assert found["value_ks"]["value"] == found["value_psi"]["value"] == found["value_wasserstein"]["value"] == 0.0


def test_a_stream_of_missing_values_has_no_measure_of_them(profile: Path) -> None:
    window = Window(items={"1": 9}, users={"u": 9}, rows=9, values={"": 9})
    found = Judge(read_profile(profile), load_thresholds(None)).judge(window, 1)["measures"]
    assert not [name for name in found if name.startswith("value_")]
