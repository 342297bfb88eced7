"""What a task reads stands once: the command line and the data set's class ask for the same columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.tasks.registered import task_of


@pytest.mark.parametrize("model", ["SASRec", "LightGCN", "DeepFM", "XGBoost", "HybridVAE", "MDAFMamba"])
def test_the_data_set_of_a_task_reads_the_columns_of_the_task(
    make_config: Callable[..., Any], tmp_path: Path, model: str
) -> None:
    config = make_config(model, tmp_path, **({"loss_type": "CE"} if model == "SASRec" else {}))
    task = task_of(config.entry)
    assert task.dataset(config).of_task == task.columns  # type: ignore[attr-defined]


def test_ratings_are_measured_where_they_are_learned(make_config: Callable[..., Any], tmp_path: Path) -> None:
    config = make_config("HybridVAE", tmp_path)
    assert config["LABEL_FIELD"] == config["RATING_FIELD"] == "rating"
    assert config.origins["LABEL_FIELD"] == config.origins["RATING_FIELD"]
