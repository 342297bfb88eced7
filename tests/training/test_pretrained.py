"""Models that start from another run take its directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter

RANKS: dict[str, Any] = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "epochs": 1}
SMALL: dict[str, Any] = {"mf_embedding_size": 4, "mlp_embedding_size": 4, "mlp_hidden_size": [6, 3]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_inter(
        tmp_path, "made", [(f"u{u}", f"i{(3 * u + k) % 9}", 10 * u + k) for u in range(8) for k in range(6)]
    )


def finished(make_config: Callable[..., Config], model: str, root: Path, **given: Any) -> Path:
    return Path(run(make_config(model, root, **RANKS, **given))["run_directory"])


def weights_of(directory: Path) -> dict[str, torch.Tensor]:
    (file,) = (directory / "checkpoint").glob("best-*.safetensors")
    return {name.removeprefix("weights."): tensor for name, tensor in load_file(file).items()}


def built(make_config: Callable[..., Config], model: str, root: Path, **given: Any) -> Any:
    config = make_config(model, root, **RANKS, **given)
    return build_trainer(config, build_loaders(config, create_dataset(config))).model


def test_neumf_joins_a_run_of_either_half(make_config: Callable[..., Config], root: Path) -> None:
    mf = finished(make_config, "NeuMF", root, **SMALL, mlp_train=False)
    mlp = finished(make_config, "NeuMF", root, **SMALL, mf_train=False)
    start = {"use_pretrain": True, "mf_pretrain_path": str(mf), "mlp_pretrain_path": str(mlp)}
    model = built(make_config, "NeuMF", root, **SMALL, **start)
    found, first, second = model.state_dict(), weights_of(mf), weights_of(mlp)
    assert torch.equal(found["user_mf_embedding.weight"], first["user_mf_embedding.weight"])
    for name in second:
        if name.startswith(("user_mlp", "item_mlp", "mlp_layers")):
            assert torch.equal(found[name], second[name])
    joined = torch.cat([first["predict_layer.weight"], second["predict_layer.weight"]], dim=1)
    assert torch.equal(found["predict_layer.weight"], joined)


@pytest.mark.parametrize(
    ("model", "given", "other", "key"),
    [
        ("ConvNCF", {"train_method": "after_pretrain"}, "BPR", "pre_model_path"),
        ("NAIS", {}, "FISM", "pretrain_path"),
    ],
)
def test_others_take_run_directories_too(
    make_config: Callable[..., Config], root: Path, model: str, given: dict[str, Any], other: str, key: str
) -> None:
    directory = finished(make_config, other, root, embedding_size=64)
    shared = weights_of(directory)
    found = built(make_config, model, root, embedding_size=64, **given, **{key: str(directory)}).state_dict()
    same = [name for name in shared if name in found and torch.equal(found[name], shared[name])]
    assert any("item" in name for name in same)


def test_absent_paths_are_named_before_data_is_read(make_config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        make_config("NeuMF", tmp_path, use_pretrain=True, mlp_pretrain_path="", mf_train=False)
    text = str(refused.value)
    assert "mf_pretrain_path: NeuMF starts from a finished run's directory" in text and "it is not set" in text
    assert "mlp_pretrain_path: NeuMF" in text
    assert "it needs mf_train: True" in text
    for model, given in (("S3Rec", {"train_stage": "finetune"}), ("RaCT", {"train_stage": "critic_pretrain"})):
        with pytest.raises(UsageError, match=f"pre_model_path: {model} starts from"):
            make_config(model, tmp_path, **given)
    with pytest.raises(UsageError, match="warm_up: KD_DAGFM starts from"):
        make_config("KD_DAGFM", tmp_path, phase="distillation")


def test_weights_that_do_not_fit_are_refused(make_config: Callable[..., Config], root: Path) -> None:
    bpr = finished(make_config, "BPR", root)
    start = {"use_pretrain": True, "mf_pretrain_path": str(bpr), "mlp_pretrain_path": str(bpr)}
    with pytest.raises(UsageError, match="NeuMF: the weights trained before do not fit: they have no"):
        built(make_config, "NeuMF", root, **SMALL, **start)
    with pytest.raises(UsageError, match="no readable checkpoint"):
        built(make_config, "ConvNCF", root, train_method="after_pretrain", pre_model_path=str(root))
    with pytest.raises(UsageError, match=r"ConvNCF: the weights trained before do not fit: .*size mismatch"):
        built(make_config, "ConvNCF", root, embedding_size=8, train_method="after_pretrain", pre_model_path=str(bpr))


def test_what_a_constructor_asserts_is_a_usage_error(make_config: Callable[..., Config], root: Path) -> None:
    with pytest.raises(UsageError, match=r"DGCF cannot be built .*: it requires self.embedding_size % self.n_factors"):
        built(make_config, "DGCF", root, embedding_size=7)
    with pytest.raises(UsageError, match=r"n_heads must divide hidden_size 64 \(got 3\)"):
        built(make_config, "SASRec", root, n_heads=3, loss_type="CE")
