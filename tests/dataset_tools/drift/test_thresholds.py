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


@pytest.mark.parametrize("text", ["", "# all commented out\n", "ab:\n  # users: 50\n"])
def test_a_file_without_entries_replaces_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    assert load_thresholds(tmp_path / "own.yaml") == load_thresholds(None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {decay: {windows: 2}}", "model.decay.windows is 2, allowed are whole numbers from 3"),
        ("model: {loss: {lists: much}}", "model.loss.lists is 'much', allowed are numbers from 0"),
        ("model: {half_life: 3}", "unknown entry model.half_life"),
        ("measures: {volume: {threshold: .inf}}", "measures.volume.threshold is inf, allowed are numbers from 0"),
        ("minimum: {rows: .inf}", "minimum.rows is inf, allowed are whole numbers from 1"),
        ("ab: {users: .nan}", "ab.users is nan, allowed are whole numbers from 2"),
        ("3", "3 is no entry; write sections and entries"),
        ("repeats:", "repeats is None, allowed are whole numbers from 1"),
    ],
)
def test_an_entry_of_a_section_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_thresholds(tmp_path / "own.yaml")
