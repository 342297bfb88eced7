import gzip
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.event_order import recbole_order_key
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from tests.conftest import ML_100K, write_inter


def independent_sequences(rows: list[tuple[str, str, int]]) -> dict[str, list[str]]:
    """Each user's items by whole seconds, ties in file order: plain Python, no shared code."""
    events: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for number, (user, item, seconds) in enumerate(rows):
        events[user].append((seconds, number, item))
    return {user: [item for _, _, item in sorted(found)] for user, found in events.items()}


def differing(config: Config, rows: list[tuple[str, str, int]]) -> tuple[int, int]:
    """Sequence positions and test targets that differ from the independent sort."""
    dataset = create_dataset(config)
    _, _, test = dataset.build()
    users, items = (dataset.field2id_token[name] for name in ("user_id", "item_id"))
    expected = independent_sequences(rows)
    found: dict[str, list[str]] = defaultdict(list)
    for user, item in zip(dataset.events["user_id"].tolist(), dataset.events["item_id"].tolist(), strict=True):
        found[users[user]].append(items[item])
    assert {u: len(s) for u, s in found.items()} == {u: len(s) for u, s in expected.items()}
    positions = sum(a != b for user in expected for a, b in zip(expected[user], found[user], strict=True))
    targets = sum(
        expected[users[u]][-1] != items[i]
        for u, i in zip(test.inter_feat["user_id"].tolist(), test.inter_feat["item_id"].tolist(), strict=True)
    )
    return positions, targets


@pytest.mark.slow
def test_ml_100k_order_is_exact(make_config: Callable[..., Config]) -> None:
    lines = (ML_100K / "ml-100k.inter").read_text().splitlines()[1:]
    rows = [(u, i, int(t)) for u, i, _, t in (line.split("\t") for line in lines)]
    assert differing(make_config("SS4Rec", Path("nowhere"), "ml-100k"), rows) == (0, 0)


@pytest.fixture(scope="module")
def official_half(shared_data: Path) -> list[tuple[str, str, int]]:
    with gzip.open(shared_data / "ml-1m" / "ratings_users_1_2999.dat.gz", "rt") as file:
        return [(u, i, int(t)) for u, i, _, t in (line.split("::") for line in file)]


@pytest.fixture(scope="module")
def official_half_root(official_half: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inter(tmp_path_factory.mktemp("ml-1m"), "made", official_half)


def test_official_half_of_ml_1m_order_is_exact(
    make_config: Callable[..., Config],
    official_half: list[tuple[str, str, int]],
    official_half_root: Path,
) -> None:
    assert differing(make_config("SS4Rec", official_half_root), official_half) == (0, 0)


def test_recbole_order_on_purpose_moves_half_of_ml_1m(
    make_config: Callable[..., Config],
    official_half: list[tuple[str, str, int]],
    official_half_root: Path,
) -> None:
    config = make_config("SS4Rec", official_half_root, protocol="recbole", filter_inter_by_user_or_item=False)
    positions, targets = differing(config, official_half)
    n_users = len({user for user, _, _ in official_half})
    assert 0.4 < positions / len(official_half) < 0.6
    assert 0.15 < targets / n_users < 0.25


def test_recbole_order_equals_recboles_own_data_set(make_config: Callable[..., Config], tmp_path: Path) -> None:
    from recbole.data.dataset import SequentialDataset

    rng = np.random.default_rng(3)
    rows = [(rng.integers(1, 6), rng.integers(1, 50), 978300000 + int(rng.integers(0, 400))) for _ in range(300)]
    config = make_config("SASRec", write_inter(tmp_path, "made", rows), protocol="recbole", loss_type="CE")
    ours = create_dataset(config)
    ours._change_feat_format()
    theirs = SequentialDataset(config)
    theirs._change_feat_format()
    assert torch.equal(ours[np.arange(len(ours))]["item_id_list"], theirs.inter_feat["item_id_list"])


def test_order_key_is_the_float32_that_recbole_sorts() -> None:
    seconds = np.array([978300019, 978300001, 978300063], dtype=np.int64)
    assert recbole_order_key(seconds, normalised=False).tolist() == np.float32(seconds).tolist()
    assert len(set(recbole_order_key(seconds, normalised=False).tolist())) < 3
    assert len(set(recbole_order_key(seconds, normalised=True).tolist())) == 3


def test_times_stay_whole_seconds_when_all_floats_are_normalised(make_config: Callable[..., Config]) -> None:
    config = make_config("SS4Rec", Path("nowhere"), "ml-100k")
    assert config["normalize_all"]
    dataset = create_dataset(config)
    dataset.build()
    assert dataset.events["timestamp"].dtype == torch.int64
    assert int(dataset.events["timestamp"].min()) == 874724710
    assert float(dataset.events["rating"].max()) == 1.0


def test_an_emptying_filter_is_a_data_error(make_config: Callable[..., Config]) -> None:
    with pytest.raises(DataError, match="no interaction is left after filtering"):
        create_dataset(make_config("SS4Rec", Path("nowhere"), "ml-100k", user_inter_num_interval="[9999,inf)"))


def test_a_missing_data_set_names_the_convert_command(make_config: Callable[..., Config], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"recbole-data convert ml-1m --download"):
        create_dataset(make_config("SS4Rec", tmp_path, "ml-1m"))
    (tmp_path / "ml-1m").mkdir()
    with pytest.raises(DataError, match=r"ml-1m.inter is missing\nmake it .* convert ml-1m --download"):
        create_dataset(make_config("SS4Rec", tmp_path, "ml-1m"))


def test_a_float_sequence_with_letters_is_a_data_error(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(
        tmp_path, "made", [(1, 2, 3, "0.5 x")], "user_id:token\titem_id:token\ttimestamp:float\tv:float_seq"
    )
    config = make_config("SS4Rec", root, load_col={"inter": ["user_id", "item_id", "timestamp", "v"]})
    with pytest.raises(DataError, match=r"made: row 1: v '0.5 x' holds something that is not a finite number"):
        create_dataset(config)


def test_general_models_keep_exact_times_too(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [(1, item, 978300000 + second) for item, second in ((1, 9), (2, 3), (3, 7), (4, 1))]
    arguments: dict[str, Any] = {"order": "TO", "split": {"RS": [0.5, 0.25, 0.25]}, "group_by": "user", "mode": "full"}
    dataset = create_dataset(make_config("BPR", write_inter(tmp_path, "made", rows), eval_args=arguments))
    parts = dataset.build()
    tokens = dataset.field2id_token["item_id"]
    assert [[tokens[i] for i in part.inter_feat["item_id"]] for part in parts] == [["4", "2"], ["3"], ["1"]]


@pytest.mark.parametrize(
    ("model", "settings"),
    [("Mamba4Rec", {"item_fields": ["genres"], "topk": 1, "valid_metric": "MRR@1"}), ("HybridVAE", {})],
)
def test_a_list_column_may_be_empty_for_all_items(
    make_config: Callable[..., Config], tmp_path: Path, model: str, settings: dict[str, Any]
) -> None:
    rows = [(user, user + k, 1 + k, k) for user in range(4) for k in range(5)]
    root = write_inter(tmp_path, "made", rows, "user_id:token\titem_id:token\trating:float\ttimestamp:float")
    lines = [f"{item}\t" for item in range(8)]
    (root / "made" / "made.item").write_text("\n".join(["item_id:token\tgenres:token_seq", *lines]) + "\n")
    config = make_config(model, root, load_col=None, **settings)
    loaders = build_loaders(config, create_dataset(config))
    assert loaders.train._dataset.item_feat["genres"].shape == (9, 1)
    trainer = build_trainer(config, loaders)
    trainer.model.calculate_loss(next(iter(loaders.train))).backward()
