from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.model.rating.settings import CHOICES, LossSettings
from recbole_ext.places import properties_folder


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"architecture": "triple"}, "architecture must be one of sets, pairwise .got 'triple'"),
        ({"loss": "rmse"}, "loss must be one of mse, huber, mae, ordinal, bpr, mixed .got 'rmse'.*mse"),
        ({"time_context": "future"}, "time_context must be one of both, past, none"),
        ({"train_on": "test"}, "train_on must be one of train, train_valid"),
        (
            {"item_sets": False},
            "latent_size reads the item's sets .got 8.; leave item_sets on, or give --latent_size=0",
        ),
        ({"kl_weight": -1.0}, "kl_weight must not be negative .got -1.0"),
        ({"embedding_size": 0}, "embedding_size must be positive .got 0"),
        ({"tower_widths": [8, 0]}, r"tower_widths must hold positive integers .got \[8, 0\]"),
        ({"loss": "mse", "label_smoothing": 0.1}, "label_smoothing goes with loss ordinal or mixed"),
        ({"rating_scale": [5, 1]}, r"rating_scale must be \[lowest, highest\] .got \[5, 1\]"),
        ({"attention_heads": 3}, "attention_heads must divide embedding_size 16 .got 3"),
        ({"architecture": "pairwise", "attention_heads": 2}, "attention_heads has no meaning with architecture"),
        ({"latent_levels": 3}, "latent_levels must be 1 or 2 .got 3"),
        ({"embedding_dropout_prob": 1.0}, "embedding_dropout_prob must be at least 0 and below 1 .got 1.0"),
        ({"architecture": "pairwise", "mixup_alpha": 0.4}, "mixup_alpha goes with loss mse, huber, mae, which are"),
        ({"architecture": "pairwise", "rating_normalization": "user"}, "rating_normalization goes with loss mse"),
        ({"architecture": "pairwise", "latent_size": 0}, "latent_size must be positive with architecture pairwise"),
        ({"architecture": "pairwise", "pairwise_widths": []}, "pairwise_widths must hold one width at least"),
    ],
)
def test_faults_are_told_before_data_is_read(
    make_config: Callable[..., Config], tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        make_config("HybridVAE", tmp_path, dataset="there-is-no-such-data", **given)


def test_all_faults_are_told_at_once(make_config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)loss must be one of.*kl_weight must not be negative"):
        make_config("HybridVAE", tmp_path, loss="rmse", kl_weight=-1.0)


def test_settings_are_keys_of_the_property_file() -> None:
    keys = yaml.safe_load((properties_folder() / "model" / "HybridVAE.yaml").read_text())
    assert {*LossSettings.__dataclass_fields__, *CHOICES} <= set(keys)
