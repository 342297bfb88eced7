"""A data set is read whatever of RecBole was loaded when the configuration was made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import recbole.data.dataset.dataset as of_recbole

from recbole_ext.config.config import Config
from recbole_ext.pipeline.dataset import create_dataset
from tests.conftest import write_inter

FIELDS = ["user_id", "item_id", "timestamp", "label"]


def test_lists_of_numbers_are_read_where_recboles_module_is_loaded_late(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "\t".join(["user_id:token", "item_id:token", "timestamp:float", "label:float", "ages:float_seq"])
    rows = [(user, item, 10 * user + item, item % 2, "0.5 2") for user in range(4) for item in range(4)]
    config = make_config(
        "MDAFMamba", write_inter(tmp_path, "made", rows, header), load_col={"inter": [*FIELDS, "ages"]}
    )
    monkeypatch.setattr(of_recbole, "np", np)  # as after its import, which the main command makes only later
    assert "ages" in create_dataset(config).inter_feat
