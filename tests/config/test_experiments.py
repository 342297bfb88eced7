"""The presets of properties/experiment are accepted as they are."""

import pytest

from recbole_ext.config.config import build_config
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.places import properties_folder

PRESETS = sorted((properties_folder() / "experiment").glob("mdaf-*.yaml"))


@pytest.mark.parametrize("preset", [path.stem for path in PRESETS])
def test_a_preset_is_a_configuration_file_by_its_name(preset: str) -> None:
    config = build_config("MDAFMamba", "ml-100k", [preset], {"device": "cpu"})
    for key, value in read_yaml(properties_folder() / "experiment" / f"{preset}.yaml")[0].items():
        assert config[key] == value
        assert config.origins[key].startswith(f"properties/experiment/{preset}.yaml:")


def test_the_phases_differ_in_their_regularisation_alone() -> None:
    assert len(PRESETS) == 3
    values = [read_yaml(path)[0] for path in PRESETS]
    differing = {key for key in values[0] if len({str(v[key]) for v in values}) > 1}
    assert differing == {"dropout_prob", "weight_decay", "label_smoothing", "learning_rate"}
    assert values[0]["seeds"] == [42, 123, 456, 789, 2024] and values[0]["epochs"] == 5
