import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.import_checkpoint import read_legacy
from recbole_ext.pipeline.train import run
from recbole_ext.runs.checkpoint import read_description
from tests.training.conftest import ROWS

TINY = {"MAX_ITEM_LIST_LENGTH": 6, "topk": [2], "valid_metric": "NDCG@2", "baselines": [], "log_tensorboard": False}


@pytest.fixture
def command(write: Callable[..., Path], tmp_path: Path) -> list[str]:
    """The words of a tiny SASRec."""
    write(tmp_path, "made", ROWS)
    given = TINY | {"data_path": tmp_path, "runs_dir": tmp_path / "runs", "device": "cpu", "hidden_size": 64}
    words = [f"--{key}={value}" for key, value in given.items()]
    columns = "--load_col={inter: [user_id, item_id, timestamp]}"
    return ["--model=SASRec", "--dataset=made", "--loss_type=CE", columns, *words]


class _Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "mode"), [("SASRec", "all_positions"), ("GRU4RecCPR", "prefix")])
@pytest.mark.parametrize("with_config", [True, False])
def test_the_imported_weights_score_what_they_scored(
    with_config: bool, model: str, mode: str, command: list[str], make_config: Callable[..., Config], tmp_path: Path
) -> None:
    config = make_config(model, tmp_path, **{**TINY, "epochs": 2, "loss_type": "CE", "train_mode": mode})
    result = run(config)
    folder = Path(result["run_directory"])
    from safetensors.torch import load_file

    tensors = load_file(folder / "checkpoint" / read_description(folder / "checkpoint", "best")["tensors"])
    weights = {k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")}
    state = {"epoch": 1, "state_dict": weights, "other_parameter": None}
    torch.save(state | ({"config": torch.nn.Linear(1, 1)} if with_config else {}), tmp_path / "old.pth")
    others = ("--model=SASRec", "--hidden_size=64", f"--runs_dir={tmp_path / 'runs'}")
    words = ["import-checkpoint", str(tmp_path / "old.pth"), f"--model={model}", f"--train_mode={mode}"]
    words += [f"--runs_dir={tmp_path / 'imported'}", *(word for word in command if word not in others)]
    assert main([*words, "--i-trust-this-file"]) == 0
    (imported,) = (tmp_path / "imported").iterdir()
    written = json.loads((imported / "result.json").read_text())
    assert written["test"] == result["test"] and written["imported_from"] == "old.pth"
    assert {path.suffix for path in (imported / "checkpoint").iterdir()} == {".json", ".safetensors"}


def test_weights_that_read_the_last_place_are_not_imported_for_windows(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in command if not word.startswith(("--model", "--hidden_size"))]
    words = ["import-checkpoint", str(tmp_path / "a.pth"), "--model=SASRecCPR", *words, "--i-trust-this-file"]
    assert main(words) == 2
    assert "add --train_mode=prefix" in " ".join(capsys.readouterr().err.split())


def test_without_trust_nothing_is_read(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(_Touch(tmp_path / "touched")))
    assert main(["import-checkpoint", str(tmp_path / "evil.pth"), *command]) == 2
    assert "reading a .pth file runs whatever code is in it" in capsys.readouterr().err
    assert not (tmp_path / "touched").exists() and not (tmp_path / "runs").exists()


def test_what_cannot_be_imported(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-checkpoint", *command, "--i-trust-this-file"]) == 2
    assert "import-checkpoint needs FILE.pth" in capsys.readouterr().err
    with pytest.raises(UsageError, match="there is no file"):
        read_legacy(tmp_path / "none.pth", trusted=True)
    (tmp_path / "text.pth").write_text("no checkpoint")
    with pytest.raises(UsageError, match=r"cannot read .*text\.pth"):
        read_legacy(tmp_path / "text.pth", trusted=True)
    torch.save({"weights": 1}, tmp_path / "other.pth")
    with pytest.raises(UsageError, match="is no checkpoint of RecBole: it has no state_dict"):
        read_legacy(tmp_path / "other.pth", trusted=True)
    torch.save({"state_dict": {"a": torch.ones(1)}}, tmp_path / "misfit.pth")
    assert main(["import-checkpoint", str(tmp_path / "misfit.pth"), *command, "--i-trust-this-file"]) == 2
    assert "does not fit the model" in capsys.readouterr().err
