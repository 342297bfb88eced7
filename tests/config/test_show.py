from pathlib import Path

from recbole_ext.config.show import config_lines
from recbole_ext.pipeline.configure import build_config


def test_every_value_stands_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# mine\nepochs: 3\n")
    config = build_config("SS4Rec", "ml-100k", [str(tmp_path / "a.yaml")], {"seed": 7, "device": "cpu"})
    rows = {}
    for line in config_lines(config):
        key, _, rest = line.partition("=")
        value, _, origin = rest.rpartition("  # ")
        rows[key.strip()] = (value.strip(), origin)
    assert set(rows) == set(config.final_config_dict)
    assert rows["seed"] == ("7", "command line")
    assert rows["epochs"] == ("3", f"{tmp_path / 'a.yaml'}:2")
    assert rows["gap_transform"][0] == "'log1p'" and rows["gap_transform"][1].startswith(
        "properties/model/SS4Rec.yaml:"
    )
    assert rows["LIST_SUFFIX"][1].startswith("recbole ")
    assert rows["time_order"] == ("'exact'", "properties/protocol/no_time.yaml:2")
    assert rows["MODEL_TYPE"][1] == "derived"
    assert [line.split(" ", 1)[0].lower() for line in config_lines(config)] == sorted(key.lower() for key in rows)


def test_changed_keys_alone(tmp_path: Path) -> None:
    config = build_config("SS4Rec", "ml-100k", [], {"seed": 7, "epochs": 30, "device": "cpu"})
    assert [line.split()[0] for line in config_lines(config, changed=True)] == ["device", "seed"]
    config = build_config("SS4Rec", "ml-100k", [], {})
    assert config_lines(config, changed=True) == ["every setting has its default"]
