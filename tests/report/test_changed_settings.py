"""What the page of a run lists as given: by value, whatever file it came from."""

from pathlib import Path
from typing import Any

import pytest

from recbole_ext.pipeline.configure import build_config
from recbole_ext.report.changed_settings import changed_settings
from recbole_ext.report.record import read_record
from recbole_ext.runs.resume import run_values
from recbole_ext.runs.run_files import config_text


def recorded(folder: Path, model: str, *files: str, **given: Any) -> Path:
    """A `config.yaml` as a run writes it."""
    config = build_config(model, "ml-100k", list(files), {"device": "cpu", **given})
    folder.mkdir()
    (folder / "config.yaml").write_text(config_text(run_values(config), config.origins))
    return folder


@pytest.mark.parametrize(
    "given", [{}, {"epochs": 300}, {"eval_args": {"mode": "full"}}, {"protocol": "recbole"}], ids=str
)
def test_what_repeats_the_default_is_not_listed(tmp_path: Path, given: dict[str, Any]) -> None:
    folder = recorded(tmp_path / "run", "BPR", **given)
    assert changed_settings(read_record(folder)) == {"device"} | ({"protocol"} & given.keys())


def test_a_shipped_file_that_the_user_named_is_compared(tmp_path: Path) -> None:
    found = changed_settings(read_record(recorded(tmp_path / "run", "SS4Rec", "SS4Rec-official", epochs=3)))
    assert {"device", "epochs", "protocol", "learning_rate"} <= found and "ssm_backend" not in found


def test_the_settings_of_a_run_given_as_a_file_are_compared(tmp_path: Path) -> None:
    first = recorded(tmp_path / "first", "BPR", embedding_size=8)
    again = recorded(tmp_path / "again", "BPR", str(first / "config.yaml"), learning_rate=0.5)
    found = changed_settings(read_record(again))
    assert found == {"device", "data_path", "embedding_size", "learning_rate"}


def test_of_a_class_of_the_user_all_that_was_given_is_listed(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run", "BPR", epochs=300)
    text = (folder / "config.yaml").read_text().replace("model: BPR", "model: gone:Model")
    (folder / "config.yaml").write_text(text)
    assert changed_settings(read_record(folder)) == {"epochs", "device"}
