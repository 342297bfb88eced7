from pathlib import Path

import pytest

from recbole_ext.config.layers import Layer, default_layers, file_layer, merge, protocol_layer, user_file
from recbole_ext.errors import UsageError
from recbole_ext.registry import find_model


def test_later_layers_win_and_say_where_they_stand() -> None:
    layers = [Layer("low", {"a": 1, "b": 1}, {"a": 3}), Layer("high", {"b": 2, "c": 2}, {"b": 7})]
    assert merge(layers) == ({"a": 1, "b": 2, "c": 2}, {"a": "low:3", "b": "high:7", "c": "high"})


def test_eval_args_are_merged_by_part() -> None:
    low = Layer("low", {"eval_args": {"split": {"LS": "valid_and_test"}, "mode": "full"}, "load_col": {"inter": ["a"]}})
    high = Layer("command line", {"eval_args": {"mode": "uni100"}, "load_col": {"user": ["b"]}})
    values, origins = merge([low, high])
    assert values["eval_args"] == {"split": {"LS": "valid_and_test"}, "mode": "uni100"}
    assert values["load_col"] == {"user": ["b"]}
    assert origins["eval_args"] == "command line"
    assert low.values["eval_args"]["mode"] == "full"


def test_a_part_that_is_no_mapping_replaces_the_whole() -> None:
    low = Layer("low", {"train_neg_sample_args": {"sample_num": 1}})
    assert merge([low, Layer("high", {"train_neg_sample_args": None})])[0] == {"train_neg_sample_args": None}


def test_a_file_layer_has_the_line_of_each_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("\nseed: 1\n")
    assert file_layer(tmp_path / "a.yaml", "a.yaml").origin("seed") == "a.yaml:2"


def test_the_data_sets_own_description_is_above_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "made.yaml").write_text("TIME_FIELD: when\n")
    layers = default_layers(find_model("SS4Rec"), "made", tmp_path)
    assert layers[-1].values == {"TIME_FIELD": "when"} and not layers[-1].user
    assert "properties/model/SS4Rec.yaml" in [layer.source for layer in layers]


@pytest.mark.parametrize(
    ("model", "dataset", "last"),
    [
        ("DeepFM", "ml-100k", "recbole quick_start_config/context-aware_ml-100k.yaml"),
        ("DeepFM", "made", "recbole quick_start_config/context-aware.yaml"),
        ("CKE", "made", "recbole quick_start_config/knowledge_base.yaml"),
        ("DIN", "ml-100k", "recbole quick_start_config/sequential_DIN_on_ml-100k.yaml"),
        ("KSR", "made", "recbole quick_start_config/sequential_embedding_model.yaml"),
        ("S3Rec", "ml-100k", "recbole quick_start_config/special_sequential_on_ml-100k.yaml"),
        ("SASRec", "ml-100k", "recbole quick_start_config/sequential.yaml"),
    ],
)
def test_recboles_family_settings(model: str, dataset: str, last: str) -> None:
    sources = [layer.source for layer in default_layers(find_model(model), dataset, None)]
    assert [source for source in sources if "quick_start_config" in source][-1] == last
    assert not [s for s in default_layers(find_model("BPR"), dataset, None) if "quick_start_config" in s.source]


def test_a_user_file_is_a_path_or_the_name_of_a_shipped_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("seed: 3\n")
    assert user_file(str(tmp_path / "mine.yaml")).values == {"seed": 3}
    shipped = user_file("SS4Rec-official")
    assert shipped.user and shipped.source == "properties/model/SS4Rec-official.yaml"
    with pytest.raises(UsageError, match="--config_files: no file 'SS4Rec-oficial'; did you mean 'SS4Rec-official'"):
        user_file("SS4Rec-oficial")


def test_the_highest_layer_names_the_protocol() -> None:
    layers = [Layer("low", {"protocol": "no_time"}), Layer("high", {"protocol": "time_aware"}), Layer("top", {})]
    assert protocol_layer(layers).values["use_target_time"] is True
    names = "no_time, recbole, recbole_time, time_aware"
    with pytest.raises(UsageError, match=rf"protocol must be one of {names} \(got 'exact'\)"):
        protocol_layer([*layers, Layer("top", {"protocol": "exact"})])


def test_a_warm_up_in_steps_takes_the_place_of_a_share_below_it_and_the_other_way_round() -> None:
    below = Layer("properties/model/X.yaml", {"warmup_steps": 0, "warmup_share": 0.03})
    assert merge([below, Layer("command line", {"warmup_steps": 2})])[0] == {"warmup_steps": 2, "warmup_share": 0}
    values, origins = merge([below, Layer("a.yaml", {"warmup_steps": 2}), Layer("command line", {"warmup_share": 0.1})])
    assert values == {"warmup_steps": 0, "warmup_share": 0.1} and origins["warmup_steps"] == "command line"
    both = {"warmup_steps": 2, "warmup_share": 0.1}
    assert merge([below, Layer("command line", both)])[0] == both
    assert merge([below, Layer("command line", {"warmup_steps": 0})])[0] == {"warmup_steps": 0, "warmup_share": 0.03}
