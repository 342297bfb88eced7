"""Thresholds of all sections come from one file and one reader."""

from pathlib import Path

import pytest

from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.errors import UsageError


def test_a_section_is_read_and_an_entry_of_it_replaced(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("model: {decay: {windows: 6}}\n")
    ours, theirs = (load_thresholds(path).section("model") for path in (None, tmp_path / "own.yaml"))
    assert ours["decay.windows"] == 4 and theirs == {**ours, "decay.windows": 6}
    assert load_thresholds(tmp_path / "own.yaml").as_json() == load_thresholds(None).as_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {decay: {windows: 2}}", "model.decay.windows is 2, allowed are whole numbers from 3"),
        ("model: {loss: {lists: much}}", "model.loss.lists is 'much', allowed are numbers from 0"),
        ("model: {half_life: 3}", "unknown entry model.half_life"),
    ],
)
def test_an_entry_of_a_section_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_thresholds(tmp_path / "own.yaml")
