import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from recbole_ext.config.config import Config
from recbole_ext.config.resolved import data_folder
from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config
from recbole_ext.places import RECBOLE
from recbole_ext.runs.resume import run_values
from recbole_ext.runs.run_files import config_text


def build(model: str = "SS4Rec", *files: Path, **given: Any) -> Config:
    return build_config(model, "ml-100k", [str(path) for path in files], {"device": "cpu", **given})


@pytest.mark.parametrize(
    ("preset", "order", "seen", "time"),
    [
        ("recbole", "recbole", False, False),
        ("recbole_time", "recbole", False, True),
        ("time_aware", "exact", True, True),
        ("no_time", "exact", True, False),
    ],
)
def test_a_preset_sets_its_three_keys(preset: str, order: str, seen: bool, time: bool) -> None:
    config = build(protocol=preset)
    assert (config["time_order"], config["filter_seen_items"], config["use_target_time"]) == (order, seen, time)
    assert config.protocol_changes == {}
    assert config.origins["time_order"].startswith(f"properties/protocol/{preset}.yaml:")


def test_a_protocol_is_above_the_files_below_the_layer_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(config_text(run_values(build(protocol="recbole_time")), {}))
    again = build("SS4Rec", tmp_path / "run.yaml")
    assert (again["protocol"], again["time_order"], again.protocol_changes) == ("recbole_time", "recbole", {})
    other = build("SS4Rec", tmp_path / "run.yaml", protocol="time_aware")
    keys = ("protocol", "time_order", "filter_seen_items", "use_target_time")
    assert [other[key] for key in keys] == ["time_aware", "exact", True, True] and other.protocol_changes == {}
    (tmp_path / "b.yaml").write_text("filter_seen_items: False\n")
    above = build("SS4Rec", tmp_path / "run.yaml", tmp_path / "b.yaml", time_order="recbole")
    assert (above["filter_seen_items"], above["time_order"]) == (False, "recbole")
    (tmp_path / "c.yaml").write_text("protocol: no_time\n")
    mixed = build("SS4Rec", tmp_path / "b.yaml", tmp_path / "c.yaml", time_order="recbole")
    assert mixed.protocol_changes == {"time_order": "recbole"} and mixed["filter_seen_items"] is True


def test_what_the_user_sets_apart_from_the_preset_is_kept_and_named() -> None:
    config = build(protocol="recbole", filter_seen_items=True, use_target_time=False)
    assert config["filter_seen_items"] is True
    assert config.protocol_changes == {"filter_seen_items": True}


def test_the_command_line_is_above_files_and_later_files_above_earlier(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("seed: 1\nepochs: 1\ntopk: [10]\nmodel: BPR\n")
    (tmp_path / "b.yaml").write_text("epochs: 2\n\ntopk: [10, 20]\n")
    config = build("SS4Rec", tmp_path / "a.yaml", tmp_path / "b.yaml", topk=[10, 50])
    assert (config.model, config["seed"], config["epochs"], config["topk"]) == ("SS4Rec", 1, 2, [10, 50])
    assert config.origins["seed"] == f"{tmp_path / 'a.yaml'}:1"
    assert config.origins["epochs"] == f"{tmp_path / 'b.yaml'}:1"
    assert config.origins["topk"] == "command line"


def test_a_part_of_eval_args_keeps_the_rest() -> None:
    config = build(eval_args={"mode": "uni100"})
    assert config["eval_args"] == {
        "split": {"LS": "valid_and_test"},
        "order": "TO",
        "group_by": "user",
        "mode": {"valid": "uni100", "test": "uni100"},
    }
    assert config["valid_neg_sample_args"]["sample_num"] == 100


def test_cross_entropy_samples_no_negatives_and_says_so() -> None:
    assert build()["train_neg_sample_args"]["distribution"] == "none"
    assert build(loss_type="BPR")["train_neg_sample_args"]["sample_num"] == 1
    assert build("SASRec")["train_neg_sample_args"]["distribution"] == "none"
    with pytest.raises(UsageError, match=r"loss_type CE scores all items and samples no negatives; .*--loss_type=BPR"):
        build(train_neg_sample_args={"sample_num": 1})


def test_metrics_without_meaning_are_faults_of_the_configuration() -> None:
    with pytest.raises(UsageError, match="metrics: AUC cannot be measured for SS4Rec in mode full"):
        build(metrics=["AUC", "NDCG"])


def test_the_folder_of_a_data_set(tmp_path: Path) -> None:
    carried = RECBOLE / "dataset_example" / "ml-100k"
    assert data_folder(str(tmp_path), "ml-100k") == carried
    assert data_folder(str(tmp_path), "other") == tmp_path / "other"
    (tmp_path / "ml-100k").mkdir()
    assert data_folder(str(tmp_path), "ml-100k") == tmp_path / "ml-100k"
    assert data_folder(str(tmp_path / "ml-100k"), "ml-100k") == tmp_path / "ml-100k"


def test_data_path_from_a_user_file_finds_the_description(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "made.yaml").write_text("TIME_FIELD: when\n")
    (tmp_path / "a.yaml").write_text(f"data_path: {tmp_path}\n")
    config = build_config("SS4Rec", "made", [str(tmp_path / "a.yaml")], {"device": "cpu"})
    assert config["data_path"] == str(tmp_path / "made")
    assert config["TIME_FIELD"] == "when"


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 65, "a b", "a\n", ".", "..", ".hidden"])
def test_names_that_are_no_names(name: str) -> None:
    with pytest.raises(UsageError, match="--dataset must be 1 to 64 letters"):
        build_config("SS4Rec", name, [], {})
    with pytest.raises(UsageError, match="--model must be 1 to 64 letters"):
        build_config(name, "ml-100k", [], {})


def test_nothing_outside_the_configuration_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--seed=5", "--topk=[1]"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    resolvers = dict(yaml.FullLoader.yaml_implicit_resolvers)
    config = build(gpu_id="1")
    assert config["seed"] == 2020
    assert sys.argv == ["x", "--seed=5", "--topk=[1]"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert yaml.FullLoader.yaml_implicit_resolvers == resolvers
    assert not torch.is_anomaly_enabled()


@pytest.mark.parametrize(("written", "read"), [("0", "0"), ("1", "1"), ("'1'", "1"), ("0,1", "0,1"), ("~", "")])
def test_the_number_of_a_gpu_is_a_text_however_it_is_written(tmp_path: Path, written: str, read: str) -> None:
    (tmp_path / "a.yaml").write_text(f"gpu_id: {written}\n")
    config = build("BPR", tmp_path / "a.yaml", device="auto")
    assert config["gpu_id"] == read and ("gpu_id" in config.changed) == (read != "0")
    assert build(gpu_id=parse_scalar(written, "--gpu_id"))["gpu_id"] == read
    with pytest.raises(UsageError, match=r"gpu_id must be of type str or int \(got True\)"):
        build(gpu_id=True)


def test_text_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "__import__('os').system('touch X')"
    assert build(runs_dir=text)["runs_dir"] == text
    (tmp_path / "a.yaml").write_text(f'runs_dir: "{text}"\n')
    assert build("SS4Rec", tmp_path / "a.yaml")["runs_dir"] == text
    with pytest.raises(UsageError, match=r"seed must be of type int \(got \"__import__"):
        build(seed=text)
    assert not (tmp_path / "X").exists()


def test_alone_reads_whole_and_leaves_the_original() -> None:
    config = build()
    config.final_config_dict.update(single_spec=False, world_size=2)
    view = config.alone()
    assert (view["single_spec"], view["world_size"]) == (True, 1)
    assert (config["single_spec"], config["world_size"]) == (False, 2)
    assert view["seed"] == config["seed"] and view.origins is config.origins


def test_what_a_loader_writes_into_alone_is_known_to_the_model() -> None:
    config = build()
    config.alone()["MASK_ITEM_SEQ"] = "mask_item_id_list"  # as RecBole's transforms do
    assert config["MASK_ITEM_SEQ"] == "mask_item_id_list"


def test_two_configurations_share_nothing() -> None:
    one, two = build(), build()
    one["eval_args"]["mode"]["test"] = "changed"
    one["topk"].append(99)
    assert two["eval_args"]["mode"]["test"] == "full" and build()["topk"] == [10]


def test_an_unknown_model_is_told_with_its_neighbours(make_config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no model named 'SS4Rek'; did you mean 'SS4Rec'"):
        make_config("SS4Rek", tmp_path)
