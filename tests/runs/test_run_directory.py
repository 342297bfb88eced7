import csv
import json
import logging
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_ext import files
from recbole_ext.config.config import Config
from recbole_ext.environment import environment
from recbole_ext.errors import ResourceError
from recbole_ext.files import hold
from recbole_ext.pipeline.configure import build_config
from recbole_ext.report.report import write_report
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.run_files import read_analysis
from recbole_ext.versions import package_versions


def test_two_runs_of_one_second_have_two_directories(tmp_path: Path) -> None:
    paths = [RunDirectory.new(tmp_path, "SS4Rec", "ml-100k").path for _ in range(20)]
    assert len(set(paths)) == 20
    assert all(re.fullmatch(r"SS4Rec-ml-100k-\d{8}T\d{6}Z-[0-9a-f]{4}", path.name) for path in paths)
    assert all((path / "checkpoint").is_dir() for path in paths)


LEFT = (
    ".result.json.ab12cd34.partial",
    "checkpoint/.last-7.safetensors.xy12ab34.partial",
    "checkpoint/.best-2.json.k2j_8ab1",
)


def test_the_holder_removes_what_killed_processes_left(tmp_path: Path) -> None:
    first = RunDirectory.new(tmp_path, "M", "d")
    for name in LEFT:
        (first.path / name).touch()
    with pytest.raises(ResourceError, match="belongs to a run that is still going on"):
        RunDirectory(first.path)
    assert all((first.path / name).exists() for name in LEFT)
    first.release()
    RunDirectory(first.path).release()
    assert not any((first.path / name).exists() for name in LEFT)


def test_a_report_removes_what_is_left_in_a_finished_run(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    (folder / "checkpoint").mkdir()
    for name in LEFT:
        (folder / name).touch()
    held = hold(folder, "held")
    write_report(folder)
    assert all((folder / name).exists() for name in LEFT)
    held.release()
    write_report(folder)
    assert not any((folder / name).exists() for name in LEFT)


def test_a_name_that_is_taken_is_never_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: next(names))
    monkeypatch.setattr(files, "datetime", _Still)
    first, second = (RunDirectory.new(tmp_path, "M", "d").path.name for _ in range(2))
    assert (first[-4:], second[-4:]) == ("aaaa", "bbbb")
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "aaaa")
    with pytest.raises(ResourceError, match="cannot find a free name for a run in"):
        RunDirectory.new(tmp_path, "M", "d")


class _Still:
    @staticmethod
    def now(zone: object) -> "_Still":
        return _Still()

    def strftime(self, form: str) -> str:
        return "20260101T000000Z"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match=r"cannot make .*: Not a directory; choose another --runs_dir"):
        RunDirectory.new(tmp_path / "file", "M", "d")


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec", "SASRec", "BPR", "DeepFM", "CKE"])
def test_config_yaml_repeats_the_configuration(
    model: str, make_config: Callable[..., Config], tmp_path: Path, small_ml_100k: Path
) -> None:
    interval = {"user_inter_num_interval": "[5,inf)", "learning_rate": 1e-5, "topk": [10, 20]}
    config = make_config(model, small_ml_100k, "ml-100k", protocol="recbole", **({} if model == "DeepFM" else interval))
    directory = RunDirectory.new(tmp_path / "runs", model, "ml-100k")
    directory.write_config(config.final_config_dict, config.origins, [])
    again = build_config(model, "ml-100k", [str(directory.path / "config.yaml")], {})
    shown = {key: str(value) for key, value in config.final_config_dict.items()}
    assert {key: str(value) for key, value in again.final_config_dict.items()} == shown
    assert again.protocol_changes == config.protocol_changes


def test_config_yaml_says_where_values_came_from(make_config: Callable[..., Config], tmp_path: Path) -> None:
    config = make_config("SS4Rec", tmp_path, "ml-100k", seed=7)
    directory = RunDirectory.new(tmp_path / "runs", "SS4Rec", "ml-100k")
    directory.write_config(config.final_config_dict, config.origins, ["python", "run.py", "--topk=[5, 10]"])
    lines = (directory.path / "config.yaml").read_text().splitlines()
    assert "seed: 7  # command line" in lines
    assert any(re.fullmatch(r"gap_transform: log1p  # properties/model/SS4Rec\.yaml:\d+", line) for line in lines)
    assert shlex.split((directory.path / "command.txt").read_text()) == ["python", "run.py", "--topk=[5, 10]"]


def test_metrics_csv_holds_every_column_of_every_row(tmp_path: Path) -> None:
    directory = RunDirectory.new(tmp_path, "M", "d")
    for row in (
        {"epoch": 0, "train_loss": 0.5},
        {"epoch": 1, "train_loss": 0.4, "ndcg@10": 0.1},
        {"epoch": 2, "train_loss": 0.3},
    ):
        directory.append_metrics(row)
    with open(directory.path / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"epoch": "0", "train_loss": "0.5", "ndcg@10": ""},
        {"epoch": "1", "train_loss": "0.4", "ndcg@10": "0.1"},
        {"epoch": "2", "train_loss": "0.3", "ndcg@10": ""},
    ]
    (directory.path / "metrics.csv").unlink()
    (directory.path / "metrics.csv").mkdir()
    with pytest.raises(ResourceError, match=r"cannot write .*metrics\.csv: Is a directory"):
        directory.append_metrics({"epoch": 3})


def test_the_log_belongs_to_one_run_alone(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    texts = []
    for name in ("one", "two"):
        directory = RunDirectory.new(tmp_path, name, "d")
        with directory.logging():
            logging.getLogger("anything").info("\x1b[1;34m%s\x1b[0m", name)
        texts.append((directory.path / "log.txt").read_text())
    logging.getLogger("anything").warning("after")
    assert (list(root.handlers), root.level) == before
    assert [re.sub(r"^\S+ \S+ ", "", text) for text in texts] == ["INFO one\n", "INFO two\n"]


def test_the_log_is_let_go_when_a_run_fails(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    with pytest.raises(KeyError), RunDirectory.new(tmp_path, "M", "d").logging():
        raise KeyError
    assert logging.getLogger().handlers == before


def test_results_hold_numpy_and_other_values(tmp_path: Path) -> None:
    directory = RunDirectory.new(tmp_path, "M", "d")
    directory.write_result({"a": np.float64(0.5), "b": (1, {2}), "c": {3: None}, "d": torch.device("cpu"), "e": True})
    assert json.loads((directory.path / "result.json").read_text()) == {
        "format": 1,
        "a": 0.5,
        "b": [1, [2]],
        "c": {"3": None},
        "d": "cpu",
        "e": True,
    }


def test_the_environment(tmp_path: Path) -> None:
    directory = RunDirectory.new(tmp_path, "M", "d")
    directory.write_environment(torch.device("cpu"))
    assert json.loads((directory.path / "environment.json").read_text()) == environment(torch.device("cpu"))
    facts = environment(torch.device("cpu"))
    assert facts["device"] == "cpu" and facts["gpu"] is None and facts["cpu_cores"] >= 1
    number, installed = facts["packages"]["torch"], torch.__version__  # not every wheel's metadata name the build
    assert number.split("+")[0] == installed.split("+")[0]
    assert package_versions()["python"] == ".".join(map(str, sys.version_info[:3]))


def test_an_analysis_that_long_names_would_swell_is_kept_without_its_users(tmp_path: Path) -> None:
    directory = RunDirectory.new(tmp_path, "M", "d")
    user = {"user": "u" * 600_000, "history": [], "history_length": 0}
    directory.write_analysis({"hits": {"lists": 1, "within": [1]}, "examples": [user]})
    assert read_analysis(directory.path) == {"format": 1, "hits": {"lists": 1, "within": [1]}}
    directory.write_analysis({"examples": [{**user, "user": "u"}]})
    assert len(read_analysis(directory.path)["examples"]) == 1
    directory.release()
