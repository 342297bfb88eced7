from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter
from tests.model.conftest import cycle_rows

RANKS = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "epochs": 1, "filter_seen_items": False}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GRU4RecCPR", "SASRecCPR"])
def test_more_candidates_than_items_are_all_items(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    root = write_inter(tmp_path, "made", cycle_rows(12, 7, shuffled=False))
    result = run(make_config(name, root, **RANKS, reranker_CAN_NUM="100"))
    assert 0 <= result["test"]["hit@2"] <= 1
    assert result["test"] == run(make_config(name, root, **RANKS, reranker_CAN_NUM="8"))["test"]  # padding is the 8th


@pytest.mark.parametrize("name", ["GRU4RecCPR", "SASRecCPR"])
def test_a_pairwise_loss_is_refused_before_data_is_read(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match=f"loss_type must be CE for {name}"):
        make_config(name, tmp_path / "nowhere", loss_type="BPR")
