from pathlib import Path

import pytest

from recbole_ext.config.keys.known_keys import Key, host_keys, keys_of, keys_read_by
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import nearest
from recbole_ext.model_list import OWN_MODELS
from recbole_ext.places import properties_folder
from recbole_ext.registry import models


def test_type_and_explanation_come_from_the_comments(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "# about the file\nseed: 1   # (int) Starts all random numbers.\n"
        "plain: 2\nlist: [1]  # (list or None) First line\n"
        "            #  and the second.\n\nnothing:  # no type here\n"
    )
    assert keys_of(tmp_path / "a.yaml") == {
        "seed": Key("seed", "int", "Starts all random numbers."),
        "plain": Key("plain"),
        "list": Key("list", "list or None", "First line and the second."),
        "nothing": Key("nothing"),
    }


def test_the_values_of_a_property_file_fit_its_types() -> None:
    for entry in models().values():
        for path in (entry.properties, properties_folder() / "overall.yaml"):
            given = read_yaml(path)[0] if path.is_file() else {}
            keys = keys_of(path)
            assert [name for name, value in given.items() if name in keys and not keys[name].accepts(value)] == []
    declared = keys_of(models()["DiffRec"].properties)["noise_scale"]
    assert declared.type == "int or float" and not declared.accepts("much")


def test_a_missing_file_has_no_keys(tmp_path: Path) -> None:
    assert keys_of(tmp_path / "none.yaml") == {}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", [1, -2, None], [1.5, "1", True, [1]]),
        ("float", [1, 0.5, None], ["x", True]),
        ("bool", [True, None], [1, "no"]),
        ("str", ["x"], [1, True]),
        ("list", [[1]], ["x", 1]),
        ("dict", [{"a": 1}], [[1]]),
        ("list or str", [[1], "x"], [1]),
        ("float or None", [0.1, None], ["x", "None"]),
        ("", [1, "x", [1], {}, True], []),
        ("list of int", [[1]], ["x"]),
    ],
)
def test_values_fit_their_declared_type(kind: str, good: list[object], bad: list[object]) -> None:
    key = Key("k", kind)
    assert [value for value in good if not key.accepts(value)] == []
    assert [value for value in bad if key.accepts(value)] == []


def test_a_declared_type_is_widened_by_a_default_that_contradicts_it(tmp_path: Path) -> None:
    keys = keys_of(models()["GRU4RecCPR"].properties) | keys_of(models()["DiffRec"].properties)
    sizes, scale, bias = (keys[name] for name in ("reranker_CAN_NUM", "noise_scale", "use_proj_bias"))
    assert sizes.accepts(20) and sizes.accepts("20,5") and not sizes.accepts([20]) and not sizes.accepts(True)
    assert scale.accepts(0.2) and scale.accepts(1) and not scale.accepts("x")
    assert bias.accepts(1) and bias.accepts(True) and not bias.accepts("x")


def test_nearest_names() -> None:
    assert nearest("learing_rate", ["learning_rate", "topk"]) == "; did you mean 'learning_rate'?"
    assert nearest("ss4rec", ["SS4Rec", "Mamba4Rec"]).startswith("; did you mean 'SS4Rec'")
    assert nearest("zzzz", ["learning_rate", "topk"]) == ""


def test_the_host_keys_hold_those_that_only_its_sources_name() -> None:
    keys = host_keys()
    assert {"learning_rate", "eval_args", "repeatable", "benchmark_filename", "MAX_ITEM_LIST_LENGTH"} <= set(keys)
    assert keys["learning_rate"].type == "float" and keys["learning_rate"].text


def test_keys_read_by_a_source(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = config['one'] + config[ \"two\" ] + other['three']\n")
    assert keys_read_by(tmp_path / "a.py") == {"one", "two"}


@pytest.mark.parametrize("name", OWN_MODELS)
def test_an_own_model_reads_what_its_file_lists_and_lists_what_it_reads(name: str) -> None:
    entry = models()[name]
    listed = keys_of(entry.properties)
    general = set(host_keys()) | set(keys_of(properties_folder() / "overall.yaml"))
    folder = Path(entry.source).parent
    sources = [entry.source, folder / "sequence/causal.py", folder / "layers/mamba_variant.py"]
    if name == "SS4Rec":
        sources += [folder / "layers/residual.py", folder / "sequence/gaps.py"]
    if name in ("MDAFMamba", "MDAFBST"):
        parts = ("mdaf", "click/set_branch", "click/row_fields", "click/history_encoder", "layers/mamba_variant")
        sources = [folder / f"{part}.py" for part in parts]
        sources += [folder.parent / f"{part}.py" for part in ("tasks/clicks/data", "tasks/clicks/batches")]
        sources.append(folder.parent / "data/rows/parts.py")
    if name == "HybridVAE":
        parts = ("hybridvae", "rating/set_network", "rating/pairwise_network", "rating/table", "rating/settings")
        sources = [folder / f"{part}.py" for part in parts]
        sources += [folder.parent / f"{part}.py" for part in ("tasks/ratings/data", "data/rows/parts")]
        sources.append(folder.parent / "tasks/ratings/result.py")
    read = frozenset().union(*(keys_read_by(path) for path in sources))
    text = "".join(path.read_text() for path in sources)
    unread = [key for key in listed if key not in general and key not in read and f"{key}: " not in text]
    assert unread == []
    assert read - set(listed) - general == set()


@pytest.mark.parametrize("path", sorted(properties_folder().glob("**/*.yaml")), ids=lambda path: path.stem)
def test_every_line_of_our_files_is_explained(path: Path) -> None:
    described = (path.parent.name == "model" and path.stem in OWN_MODELS) or path.stem == "overall"
    bare = [key.name for key in keys_of(path).values() if described and not (key.type and key.text)]
    assert bare == []
