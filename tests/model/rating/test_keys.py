"""Every key of HybridVAE changes something, is refused, or is reported as unread: in both architectures."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.config.keys.unread import unread_settings
from recbole_ext.config.layers import Layer
from recbole_ext.errors import UsageError
from recbole_ext.model.hybridvae import HybridVAE
from recbole_ext.model.rating.settings import check_settings
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.places import properties_folder
from recbole_ext.registry import find_model
from recbole_ext.tasks.ratings.task import TASK
from tests.conftest import write_inter

OTHER: dict[str, Any] = {
    "side_features": [],
    "time_features": False,
    "time_context": "none",
    "architecture": None,  # the parameter of the test
    "embedding_size": 8,
    "hidden_size": 16,
    "latent_size": 3,
    "latent_levels": 2,
    "attention_heads": 2,
    "attention_reach": 3,
    "tower_widths": [8],
    "pairwise_widths": [8, 4],
    "skip_connections": True,
    "initialization": "normal",
    "rating_normalization": "user",
    "variational": False,
    "prior_std": 0.7,
    "item_sets": False,
    "leave_one_out": False,
    "dropout_prob": 0.6,
    "embedding_dropout_prob": 0.7,
    "loss": "mixed",
    "label_smoothing": 0.3,
    "ranking_weight": 0.5,
    "kl_weight": 0.9,
    "table_kl_weight": 0.9,
    "kl_anneal_steps": 7,
    "kl_cycle_steps": 9,
    "free_bits": 0.7,
    "mixup_alpha": 0.5,
    "embedding_l2": 0.4,
}
"""Another value of each key of the model and of the loss."""
BASE: dict[str, Any] = {"embedding_size": 4, "hidden_size": 8, "latent_size": 2, "pairwise_widths": [16, 8]}
OF = {"sets": {"architecture": "sets"}, "pairwise": {"architecture": "pairwise", "loss": "mse"}}


def keys_of_the_model() -> set[str]:
    """Those in the sections Model and Loss, and those that choose inputs."""
    text = (properties_folder() / "model" / "HybridVAE.yaml").read_text()
    sections = text.partition("# Model")[2].partition("# Training")[0]
    return {*re.findall(r"^(\w+):", sections, re.M), "side_features", "time_features", "time_context"}


def test_each_key_of_the_model_has_another_value() -> None:
    assert set(OTHER) == keys_of_the_model()


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [(u, (u * 7 + 3 * k) % 15, (u * k) % 5 + 1, 86_400 * k + u) for u in range(12) for k in range(8)]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    root = write_inter(tmp_path_factory.mktemp("rated"), "made", rows, header)
    items = "".join(f"{i}\t{'abc'[i % 3]}\n" for i in range(15))
    (root / "made" / "made.item").write_text("item_id:token\tgenre:token\n" + items)
    return root


class Probe:
    """A configuration of one architecture, and what becomes of it when one key has another value."""

    def __init__(self, config: Config, architecture: str) -> None:
        self.config, self.dataset, self.fixed = config, create_dataset(config).build()[0], {**BASE, **OF[architecture]}

    def outcome(self, **given: Any) -> str | list[float]:
        """`refused`, `reported`, or numbers that depend on everything that the model reads."""
        values = {**self.config.final_config_dict, **self.fixed, **given}
        model, layers = find_model("HybridVAE"), [*self._layers(), Layer("command line", given, {}, True)]
        try:
            check_settings(values)
        except UsageError:
            return "refused"
        if TASK.faults(model, layers, values):
            return "refused"
        if unread_settings(model, layers, values, TASK.unread):
            return "reported"
        return self._numbers(values)

    def _layers(self) -> list[Layer]:
        return [Layer("defaults", {**self.config.final_config_dict, **self.fixed}, {}, False)]

    def _numbers(self, values: dict[str, Any]) -> list[float]:
        torch.manual_seed(1)
        rows = self.dataset.inter_feat
        rows["rating_row"] = torch.arange(len(rows))
        model = HybridVAE(values, self.dataset)
        torch.manual_seed(2)
        return [each.item() for each in (model.calculate_loss(rows), model.eval().expected(rows).sum())]


@pytest.mark.slow
@pytest.mark.parametrize("architecture", list(OF))
def test_no_key_is_ignored(make_config: Callable[..., Config], rated: Path, architecture: str) -> None:
    config = make_config("HybridVAE", rated, load_col=None, baselines=[])
    probe = Probe(config, architecture)
    plain = probe.outcome()
    assert isinstance(plain, list)
    outcomes = {key: probe.outcome(**{key: value}) for key, value in OTHER.items() if key != "architecture"}
    assert [key for key, found in outcomes.items() if found == plain] == []
    refused = {key for key, found in outcomes.items() if found == "refused"}
    ignored_once = {"hidden_size", "time_features", "time_context", "variational", "item_sets", "leave_one_out"}
    assert (ignored_once <= refused) == (architecture == "pairwise")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"architecture": "pairwise", "loss": "mse", "time_context": "past"}, "time_context has no meaning with"),
        ({"architecture": "pairwise", "loss": "mse", "side_features": []}, "which reads it for latent_levels: 2"),
        ({"skip_connections": True}, "skip_connections has no meaning with architecture sets"),
    ],
    ids=str,
)
def test_keys_of_the_other_architecture_are_refused(
    make_config: Callable[..., Config], tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        make_config("HybridVAE", tmp_path, dataset="there-is-no-such-data", **given)


def test_the_second_level_of_pairwise_reads_columns(make_config: Callable[..., Config], tmp_path: Path) -> None:
    given = {"architecture": "pairwise", "loss": "mse", "latent_levels": 2, "side_features": ["genre"]}
    assert make_config("HybridVAE", tmp_path, dataset="ml-100k", **given)["side_features"] == ["genre"]
