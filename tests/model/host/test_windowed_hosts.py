"""Models of RecBole on windows, held to RecBole's own code on full lists, and to what they must learn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.model_list import PARTITIONED
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter
from tests.model.conftest import cycle_rows

RANKS = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "epochs": 1, "filter_seen_items": False}


NAMES = ("GRU4RecCPR", "SASRecCPR")
GIVEN: dict[str, Any] = {"MAX_ITEM_LIST_LENGTH": 8, "train_batch_size": 100_000, "baselines": [], **RANKS}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"reranker_CAN_NUM": "9,4", "n_facet_all": 6, "reranker_merging_mode": "add"},
    {"partition_merging_mode": "half", "context_norm": 0},
    {"partition_merging_mode": "add", "n_facet_emb": 0, "n_facet_all": 3, "n_facet_window": 0},
    {"n_facet_MLP": 0, "n_facet_context": 0, "n_facet_all": 4},
]


def built(make_config: Callable[..., Config], root: Path, name: str, **given: Any) -> tuple[Any, Any]:
    config = make_config(name, root, **{**GIVEN, **given})
    loaders = build_loaders(config, create_dataset(config))
    return loaders, build_trainer(config, loaders)


def repeating(tmp_path: Path) -> Path:
    """Users with 14 events over 12 items, some of which come back."""
    generator = np.random.default_rng(2)
    rows = [(user, int(generator.integers(12)) + 1, 1000 * user + k) for user in range(15) for k in range(14)]
    return write_inter(tmp_path, "made", rows)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        *((name, variant) for name in NAMES for variant in VARIANTS),
        ("RepeatNet", {}),
    ],
    ids=str,
)
def test_full_lists_have_recboles_probabilities_loss_and_gradient(
    make_config: Callable[..., Config], tmp_path: Path, name: str, variant: dict[str, Any]
) -> None:
    root, found = repeating(tmp_path), []
    for mode in ("prefix", "all_positions"):
        few = {"reranker_CAN_NUM": "5"} if name in NAMES else {}
        loaders, trainer = built(make_config, root, name, train_mode=mode, **few | variant)
        model = trainer.model.eval()
        if found:
            model.load_state_dict(found[0][0].state_dict())
        rows = loaders.test._dataset[np.arange(15)]
        assert (rows["item_length"] == 8).all()
        loss = model.calculate_loss(rows)
        loss.backward()
        gradients = {name: each.grad for name, each in model.named_parameters()}
        found.append((model, model.full_sort_predict(rows).detach(), loss.detach(), gradients))
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found[1][2], found[0][2], rtol=1e-4, atol=1e-5)
    for key, expected in found[0][3].items():
        other = found[1][3][key]
        assert (other is None) == (expected is None), key
        if expected is not None:
            torch.testing.assert_close(other, expected, rtol=1e-3, atol=1e-5)


def test_the_joint_loss_of_repeatnet_is_that_of_each_row(make_config: Callable[..., Config], tmp_path: Path) -> None:
    losses, kept = [], None
    for joint in (False, True):
        loaders, trainer = built(make_config, repeating(tmp_path / str(joint)), "RepeatNet", joint_train=joint)
        model, rows = trainer.model.eval(), loaders.test._dataset[np.arange(15)]
        model.load_state_dict(kept := kept or model.state_dict())
        losses.append(model.calculate_loss(rows).detach())
    model.forward(rows["item_id_list"], rows["item_length"])  # RecBole's own, which keeps (r, e) of full lists
    repeats = (rows["item_id_list"] == rows["item_id"].unsqueeze(1)).any(1)
    assert 0 < repeats.sum() < 15
    chosen = torch.where(repeats, *model.repeat_explore.T)
    torch.testing.assert_close(losses[1] - losses[0], -chosen.log().mean().detach() / 2, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PARTITIONED)
def test_windows_have_the_loss_of_each_of_their_prefixes(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    """Also of lists that are not full, whose newest event is read: in rows of any width the same."""
    loaders, trainer = built(make_config, repeating(tmp_path), name, window_overlap=0.0, MAX_ITEM_LIST_LENGTH=20)
    model, windows = trainer.model.eval(), next(iter(loaders.train))
    items, following = windows["item_id_list"], windows["next_item_id_list"]
    losses = []
    for row, position in torch.nonzero(following > 0).tolist():
        for width in (position + 1, items.shape[1]):
            prefix = torch.zeros(1, width, dtype=torch.long)
            prefix[0, : position + 1] = items[row, : position + 1]
            asked = {"item_id_list": prefix, "item_length": torch.tensor([position + 1])}
            losses.append(model.calculate_loss({**asked, "item_id": following[row, position].view(1)}).detach())
    pairs = torch.stack(losses).view(-1, 2)
    torch.testing.assert_close(pairs[:, 0], pairs[:, 1])
    torch.testing.assert_close(model.calculate_loss(windows).detach(), pairs[:, 0].mean())


@pytest.mark.parametrize("name", PARTITIONED)
def test_the_probability_of_one_item_is_that_of_the_ranking(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    loaders, trainer = built(make_config, repeating(tmp_path), name)
    rows = loaders.test._dataset[np.arange(15)]
    ranked = trainer.model.eval().full_sort_predict(rows)
    torch.testing.assert_close(trainer.model.predict(rows), ranked.gather(1, rows["item_id"].unsqueeze(1)).squeeze(1))
    torch.testing.assert_close(ranked.sum(1), torch.ones(15))


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTITIONED)
def test_short_lists_are_learnt(make_config: Callable[..., Config], tmp_path: Path, name: str) -> None:
    """Cycles of 20 items in lists of 12 of 50 places: RecBole's own code reads the 50th, which is padding."""
    root = write_inter(tmp_path, "made", cycle_rows(200, 20, shuffled=False))
    given = {"MAX_ITEM_LIST_LENGTH": 50, "train_batch_size": 64, "epochs": 20, "learning_rate": 0.005}
    loaders, trainer = built(make_config, root, name, **given)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.evaluate(loaders.test)["hit@2"] > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_mixtures_are_refused_on_windows_at_once(make_config: Callable[..., Config], tmp_path: Path, name: str) -> None:
    two = {"n_facet": 2, "n_facet_all": 6}
    with pytest.raises(UsageError, match=r"n_facet must be 1 .*--train_mode=prefix"):
        make_config(name, tmp_path / "nowhere", **two)
    built(make_config, repeating(tmp_path / "rows"), name, train_mode="prefix", **two)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["prefix", "all_positions"])
@pytest.mark.parametrize("name", NAMES)
def test_more_candidates_than_items_are_all_items(
    make_config: Callable[..., Config], tmp_path: Path, name: str, mode: str
) -> None:
    root, given = write_inter(tmp_path, "made", cycle_rows(12, 7, shuffled=False)), {**RANKS, "train_mode": mode}
    result = run(make_config(name, root, **given, reranker_CAN_NUM="100"))
    assert 0 <= result["test"]["hit@2"] <= 1
    assert result["test"] == run(make_config(name, root, **given, reranker_CAN_NUM="8"))["test"]  # padding is the 8th


@pytest.mark.parametrize("name", NAMES)
def test_a_pairwise_loss_is_refused_before_data_is_read(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match=f"loss_type must be CE for {name}"):
        make_config(name, tmp_path / "nowhere", loss_type="BPR")
