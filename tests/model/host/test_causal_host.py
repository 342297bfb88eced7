from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from tests.conftest import write_inter
from tests.model.conftest import cycle_rows

GIVEN: dict[str, Any] = {
    "hidden_size": 16,
    "MAX_ITEM_LIST_LENGTH": 20,
    "train_batch_size": 100_000,
    "loss_type": "CE",
    "baselines": [],
    "learning_rate": 0.01,
}
NO_DROPOUT = {"SASRec": {"hidden_dropout_prob": 0.0, "attn_dropout_prob": 0.0}, "GRU4Rec": {"dropout_prob": 0.0}}


def built(make_config: Callable[..., Config], tmp_path: Path, name: str, **given: Any) -> tuple[Any, Any]:
    root = write_inter(tmp_path, "made", cycle_rows(40, 20, shuffled=False))
    config = make_config(name, root, **{**GIVEN, **NO_DROPOUT[name], **given})
    loaders = build_loaders(config, create_dataset(config))
    return loaders, build_trainer(config, loaders)


@pytest.mark.parametrize("name", ["SASRec", "GRU4Rec"])
def test_windows_give_the_loss_and_gradient_of_recboles_prefix_rows(
    make_config: Callable[..., Config],
    tmp_path: Path,
    name: str,
) -> None:
    losses, trainers = [], []
    for mode in ("all_positions", "prefix"):
        loaders, trainer = built(make_config, tmp_path, name, train_mode=mode)
        if trainers:
            trainer.model.load_state_dict(trainers[0].model.state_dict())
        losses.append(trainer.model.calculate_loss(next(iter(loaders.train))))
        losses[-1].backward()
        trainers.append(trainer)
    torch.testing.assert_close(losses[0], losses[1])
    for a, b in zip(*(t.model.parameters() for t in trainers), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["SASRec", "GRU4Rec"])
def test_rows_are_ranked_as_recbole_ranks_them_without_their_padding(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    _, trainer = built(make_config, tmp_path, name)
    model, recbole = trainer.model.eval(), type(trainer.model).__mro__[2]
    generator = torch.Generator().manual_seed(4)
    length = torch.randint(1, 21, (200,), generator=generator)
    items = torch.randint(1, model.n_items, (200, 20), generator=generator) * (torch.arange(20) < length.unsqueeze(1))
    rows = {"item_id_list": items, "item_length": length, "item_id": items[:, 0]}
    computed: list[int] = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda *given: computed.append(given[0].numel()) or forward(*given))
    monkeypatch.setattr("recbole_ext.model.sequence.causal.POSITIONS_AT_ONCE", 64)
    for method in ("full_sort_predict", "predict"):
        computed.clear()
        torch.testing.assert_close(getattr(model, method)(rows), getattr(recbole, method)(model, rows))
        *ours, of_recbole = computed
        assert sum(ours) < 1.1 * length.sum() < of_recbole == items.numel()


@pytest.mark.slow
@pytest.mark.parametrize("loss_type", ["CE", "BPR"])
def test_planted_structure_is_learnt(make_config: Callable[..., Config], tmp_path: Path, loss_type: str) -> None:
    loaders, trainer = built(
        make_config,
        tmp_path,
        "GRU4Rec",
        epochs=25,
        train_batch_size=64,
        filter_seen_items=False,
        topk=[1],
        metrics=["Hit"],
        valid_metric="Hit@1",
        loss_type=loss_type,
        **({"train_neg_sample_args": {"sample_num": 1}} if loss_type == "BPR" else {}),
    )
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.evaluate(loaders.test)["hit@1"] > 0.8
