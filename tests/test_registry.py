import importlib
import importlib.util
import re
from pathlib import Path

import pytest
import torch

from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.model_entry import ModelEntry, missing_library
from recbole_ext.model_list import OWN_MODELS
from recbole_ext.registry import find_model, models


def test_ours_come_first_and_all_have_files() -> None:
    entries = models()
    assert list(entries)[: len(OWN_MODELS)] == list(OWN_MODELS)
    assert [name for name, entry in entries.items() if not entry.source.is_file()] == []
    assert [name for name, entry in entries.items() if name != "Random" and not entry.properties.is_file()] == []


def test_every_recbole_model_is_listed_once_under_its_class_name() -> None:
    entries = models()
    root = Path(importlib.import_module("recbole").__file__).parent / "model"
    files = [path for path in root.glob("*_recommender/*.py") if path.stem != "__init__"]
    hosts = {entry.host_module.split(".")[-1] for entry in entries.values() if not entry.own}
    assert {path.stem for path in files} == hosts
    named = [name for path in files for name in re.findall(r"^class (\w+)\(", path.read_text(), re.M)]
    assert [name for name in entries if name not in OWN_MODELS and name not in named] == []


def test_the_causal_models_are_known_without_importing_them() -> None:
    causal = [name for name, entry in models().items() if entry.causal]
    assert causal == ["SS4Rec", "Mamba4Rec", "GRU4Rec", "GRU4RecCPR", "RepeatNet", "SASRec", "SASRecCPR"]
    for name in (*causal, "NARM", "MDAFMamba", "HybridVAE"):
        assert getattr(find_model(name).load(), "causal", False) == find_model(name).causal


def test_a_subclass_stands_for_its_own_model_of_recbole() -> None:
    adapted = [entry for entry in models().values() if not entry.own and entry.module != entry.host_module]
    assert {"SASRec", "Pop", "KGAT", "BERT4Rec"} <= {entry.name for entry in adapted}
    for entry in adapted:
        if entry.name == "NCL" and not importlib.util.find_spec("faiss"):
            continue
        host = getattr(importlib.import_module(entry.host_module), entry.name)
        assert issubclass(entry.load(), host) and entry.load() is not host
        assert entry.source == Path(importlib.import_module(entry.host_module).__file__)
    torch.autograd.set_detect_anomaly(False)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("SS4Rec", "sequential"),
        ("BPR", "general"),
        ("DeepFM", "context_aware"),
        ("CKE", "knowledge_aware"),
        ("Random", "general"),
        ("LightGBM", "exlib"),
    ],
)
def test_families(name: str, family: str) -> None:
    assert find_model(name).family == family


@pytest.mark.parametrize("name", ["SS4Rec", "Mamba4Rec", "SASRec", "GRU4Rec", "BPR", "Random", "SINE"])
def test_a_class_is_loaded_by_its_name(name: str) -> None:
    torch.autograd.set_detect_anomaly(True)
    assert find_model(name).load().__name__ == name
    assert not torch.is_anomaly_enabled()


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("ss4rec", "'SS4Rec'"), ("Mamba4Rek", "'Mamba4Rec'"), ("sasrek", "'SASRec'")]
)
def test_an_unknown_name_is_told_with_its_neighbours(wrong: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"there is no model named '{wrong}'; did you mean .*{nearest}"):
        find_model(wrong)


def test_a_missing_library_is_named_with_its_package(tmp_path: Path) -> None:
    entry = ModelEntry("X", "recbole_ext_no_such_library.x", "general", False, tmp_path)
    with pytest.raises(ResourceError, match=r"X needs the library 'recbole_ext_no_such_library'.*pip install"):
        entry.load()
    error = missing_library("NCL", ModuleNotFoundError("no", name="faiss"))
    assert isinstance(error, ResourceError)
    assert str(error).endswith("which is not installed; install it with: pip install faiss-cpu")
