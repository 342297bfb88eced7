"""A hundred hostile inputs at every door: nothing is executed, and nothing is written outside."""

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from recbole_ext.cli.main import main
from recbole_ext.errors import RecBoleExtError
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from tests.runs.test_checkpoint import Small, _Touch
from tests.training.conftest import ROWS

CODE = [
    "__import__('os').mkdir('{touched}')",
    "eval(\"__import__('os').mkdir('{touched}')\")",
    "exec(open('{touched}', 'w'))",
    "open('{touched}', 'w')",
    "[].__class__.__base__.__subclasses__()",
    "!!python/object/apply:os.mkdir ['{touched}']",
    "!!python/object/new:os.mkdir ['{touched}']",
    "!!python/name:os.mkdir",
    "!!python/module:os",
    "!!python/object/apply:subprocess.call [['touch', '{touched}']]",
]
KEYS = ["topk", "learning_rate", "train_batch_size", "eval_args"]
NAMES = [
    "../made",
    "..",
    ".",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\nb",
    "a\0b",
    ".hidden",
    "x" * 65,
    "$(touch {touched})",
    "",
]
TENSORS = ["../../outside.safetensors", "/etc/passwd", "evil.pth", "", ".", "..", 7, None, ["a"], {"a": 1}]
DESCRIPTIONS = ["[" * 20_000, '{"format": 1}', "null", '"text"', "{", '{"format": 1, "tensors": "best-0.safetensors"}']


@pytest.fixture
def command(write: Callable[..., Path], tmp_path: Path) -> Iterator[list[str]]:
    """Words of a tiny run in a folder of its own; afterwards nothing lies beside it."""
    inside = tmp_path / "inside"
    inside.mkdir()
    write(inside, "made", ROWS)
    places = [f"--data_path={inside}", f"--runs_dir={inside / 'runs'}", "--device=cpu"]
    yield ["--load_col={inter: [user_id, item_id, timestamp]}", *places]
    assert [path.name for path in tmp_path.iterdir()] == ["inside"], "something was written outside"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("code", CODE)
def test_code_as_a_value(key: str, code: str, command: list[str], tmp_path: Path) -> None:
    value = code.format(touched=tmp_path / "touched")
    assert main(["--model=BPR", "--dataset=made", *command, f"--{key}={value}"]) == 2


@pytest.mark.parametrize("code", CODE)
def test_code_in_a_file(code: str, command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "inside" / "config.yaml"
    file.write_text(f"topk: {code.format(touched=tmp_path / 'touched')}\n")
    assert main(["--model=BPR", "--dataset=made", *command, f"--config_files={file}"]) == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["model", "dataset", "resume"])
def test_names_that_are_paths_or_commands(option: str, name: str, command: list[str], tmp_path: Path) -> None:
    given = {"model": "BPR", "dataset": "made"} | {option: name.format(touched=tmp_path / "touched")}
    assert main([*(f"--{key}={value}" for key, value in given.items()), *command]) == 2


@pytest.mark.parametrize("tensors", TENSORS, ids=str)
def test_a_description_that_names_other_files(tensors: object, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    save_checkpoint(folder, "best", Small(), {"epoch": 0})
    (folder / "evil.pth").write_bytes(pickle.dumps(_Touch(tmp_path / "touched")))
    description = json.loads((folder / "best.json").read_text())
    (folder / "best.json").write_text(json.dumps(description | {"format": 1, "tensors": tensors}))
    with pytest.raises(RecBoleExtError):
        load_checkpoint(folder, "best", Small(), torch.device("cpu"))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("text", DESCRIPTIONS, ids=range(len(DESCRIPTIONS)))
def test_a_description_that_is_none(text: str, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "best", Small(), {"epoch": 0})
    (tmp_path / "best.json").write_text(text)
    with pytest.raises(RecBoleExtError):
        load_checkpoint(tmp_path, "best", Small(), torch.device("cpu"))


@pytest.mark.parametrize("size", [8, 2**20, 2**40, 2**63])
def test_tensors_that_claim_to_be_huge(size: int, tmp_path: Path) -> None:
    """The first 8 bytes of a safetensors file are the length of its header."""
    save_checkpoint(tmp_path, "best", Small(), {"epoch": 0})
    (tmp_path / "best-0.safetensors").write_bytes(size.to_bytes(8, "little") + b'{"a":{}}')
    with pytest.raises(RecBoleExtError):
        load_checkpoint(tmp_path, "best", Small(), torch.device("cpu"))


@pytest.mark.parametrize("kind", ["pickle", "torch", "zip"])
@pytest.mark.parametrize("command_first", [True, False])
def test_an_untrusted_pth_is_not_even_opened(
    kind: str, command_first: bool, command: list[str], tmp_path: Path
) -> None:
    file, evil = tmp_path / "inside" / "evil.pth", _Touch(tmp_path / "touched")
    if kind == "pickle":
        file.write_bytes(pickle.dumps(evil))
    else:
        torch.save({"state_dict": evil, "layer": nn.Linear(1, 1)}, file, _use_new_zipfile_serialization=kind == "zip")
    words = ["import-checkpoint", str(file)] if command_first else [f"--config_files={file}"]
    assert main([*words, "--model=BPR", "--dataset=made", *command]) == 2


@pytest.mark.parametrize("kind", ["pickle", "torch", "missing"])
def test_weights_trained_before_may_hold_tensors_only(
    kind: str, command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, evil = tmp_path / "inside" / "evil.pth", _Touch(tmp_path / "touched")
    if kind == "pickle":
        file.write_bytes(pickle.dumps(evil))
    elif kind == "torch":
        torch.save({"state_dict": evil}, file)
    given = ["--use_pretrain=True", f"--mf_pretrain_path={file}", f"--mlp_pretrain_path={file}"]
    assert main(["--model=NeuMF", "--dataset=made", *given, *command]) == 3
    output = capfd.readouterr().err
    assert ("does not exist" if kind == "missing" else "nothing in it was executed") in output
    assert "Traceback" not in output


def test_they_are_a_hundred() -> None:
    several = [len(KEYS) * len(CODE), len(CODE), 3 * len(NAMES), len(TENSORS), len(DESCRIPTIONS), 4, 6, 3]
    assert sum(several) >= 100
