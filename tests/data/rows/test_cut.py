"""Data sets that are cut into files: one sequence per user, split by the file of the target."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.split.split import SplitOptions, split
from recbole_ext.config.config import Config
from recbole_ext.data.rows.cut import Span, read_spans, split_text, utc
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.pipeline.train import run
from recbole_ext.tasks.ranking.evaluation.baselines import BASELINES
from tests.written_runs import words_of

HEADER = "user_id:token\titem_id:token\ttimestamp:float\n"
PARTS = {
    "train": "a\tp\t1\na\tq\t2\nb\tq\t1\nd\tz\t1\n",
    "valid": "a\tr\t3\n",
    "test": "b\tp\t6\na\ts\t5\na\tt\t5\nc\tp\t7\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    for name, text in PARTS.items():
        (folder / f"made.{name}.inter").write_text(HEADER + text)
    (folder / "made.yaml").write_text("benchmark_filename: [train, valid, test]\n")
    return tmp_path


def cut(root: Path, rows: list[tuple[str, str, int, int]], at: int = 60, **options: Any) -> Path:
    """Write (user, item, rating, time) rows, cut them with the tool to `<root>/made`, and return root."""
    source = root / "raw" / "log.inter"
    source.parent.mkdir()
    lines = ["user_id:token\titem_id:token\trating:float\ttimestamp:float", *("\t".join(map(str, r)) for r in rows)]
    source.write_text("\n".join(lines) + "\n")
    split(SplitOptions(source, root, name="made", at=str(at), quiet=True, **options))
    return root


def timed_rows(n_users: int = 12, n_steps: int = 10) -> list[tuple[str, str, int, int]]:
    """User k begins at step k; ratings 1 to 5; the last users and the last items are in the future alone."""
    rows = []
    for step in range(n_steps):
        for user in range(min(n_users, 3 + step)):
            rows.append((f"u{user}", f"i{(user + 2 * step) % (8 + step)}", 1 + (user + step) % 5, 10 * step))
    return rows


def histories(dataset: Any, part: Any) -> list[tuple[str, list[str], str]]:
    """(user, history, target) of each row, in tokens."""
    users, items = dataset.field2id_token["user_id"], dataset.field2id_token["item_id"]
    if not len(part):
        return []
    rows = part[list(range(len(part)))]
    return sorted(
        (users[u], [items[i] for i in h[:n]], items[t])
        for u, h, n, t in zip(rows["user_id"], rows["item_id_list"], rows["item_length"], rows["item_id"], strict=True)
    )


def test_histories_reach_across_the_cut(make_config: Callable[..., Config], root: Path) -> None:
    dataset = create_dataset(make_config("SS4Rec", root))
    train, valid, test = (histories(dataset, part) for part in dataset.build())
    assert train == [("a", ["p"], "q")]
    assert valid == [("a", ["p", "q"], "r")]
    assert test == [("a", ["p", "q", "r"], "s"), ("a", ["p", "q", "r", "s"], "t"), ("b", ["q"], "p")]


def test_two_files_leave_validation_empty(make_config: Callable[..., Config], root: Path) -> None:
    config = make_config("SS4Rec", root, benchmark_filename=["train", "test"], topk=[2], valid_metric="NDCG@2")
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    assert loaders.valid is None
    assert len(loaders.test._dataset) == 3


SMALL: dict[str, Any] = {"epochs": 1, "topk": [2], "valid_metric": "NDCG@2", "hidden_size": 8, "d_state": 2}
COLUMNS = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
RANKS = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "epochs": 1}
CLICKS = {"threshold": {"rating": 4}, "epochs": 1}
STARS = {"LABEL_FIELD": "rating", "normalize_field": ["rating"], "metrics": ["RMSE"], "valid_metric": "RMSE"}
MODELS = {
    "SS4Rec": {**RANKS, "hidden_size": 8, "d_state": 2, "s5_state_size": 4, "MAX_ITEM_LIST_LENGTH": 5},
    "SASRec": {**RANKS, "loss_type": "CE", "MAX_ITEM_LIST_LENGTH": 5},
    "BPR": RANKS,
    "LightGCN": RANKS,
    "Pop": RANKS,
    "DeepFM": CLICKS,
    "FM": {**STARS, "valid_metric_bigger": False, "epochs": 1},
    "DIN": {**CLICKS, "eval_args": {"mode": "labeled"}, "MAX_ITEM_LIST_LENGTH": 5},
}


@pytest.mark.slow
@pytest.mark.parametrize("valid", ["0.2", "none"])
@pytest.mark.parametrize("model", MODELS)
def test_every_family_learns_the_past_and_is_tested_on_the_future(
    model: str, valid: str, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    root = cut(tmp_path, timed_rows(), valid=valid)
    result = run(make_config(model, root, **{**COLUMNS, **MODELS[model]}))
    assert result["test"] and (result["valid"] is None) == (valid == "none")
    assert result["protocol"]["split"].startswith("global time cut at 1970-01-01T00:01:00Z, ")


def test_the_protocol_names_the_instants(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = cut(tmp_path, timed_rows(), valid="40", windows="1h")
    found = protocol_of(make_config("SS4Rec", root))
    cold = "28.6% of the tested rows cold"
    instants = "global time cut at 1970-01-01T00:01:00Z, validation from 1970-01-01T00:00:40Z"
    assert found.split == f"{instants}, {cold}" and found.split in words_of(found.lines())
    assert set(found.data_sha256) == {"made.train.inter", "made.valid.inter", "made.test.inter"}
    window = make_config("SS4Rec", root, benchmark_filename=["train", "valid", "window_001"])
    assert (
        split_text(window) == f"{instants}, tested on window_001, 1970-01-01T00:01:00Z to 1970-01-01T01:01:00Z, {cold}"
    )
    two = make_config("BPR", root, benchmark_filename=["train", "test"])
    assert split_text(two) == f"global time cut at 1970-01-01T00:01:00Z, no validation split, {cold}"
    assert protocol_of(two).order == "order of the files"


def test_files_cut_elsewhere_have_no_instants(make_config: Callable[..., Config], root: Path) -> None:
    assert protocol_of(make_config("SS4Rec", root)).split == "files train, valid, test"
    assert read_spans(root / "made") == {} and utc(None) == "-"
    (root / "made" / "split.json").write_text('{"parts": {"test": {"start": 1, "end": 2}}, "windows": {}}')
    assert read_spans(root / "made") == {"test": Span(1, 2, None)}
    for broken in ("{", "[]", '{"parts": 3, "windows": {}}', '{"parts": {"a": {}}, "windows": {}}'):
        (root / "made" / "split.json").write_text(broken)
        with pytest.raises(DataError, match=r"not written by `dataset_tools split`.*cut the data set again"):
            read_spans(root / "made")


def test_the_pasts_numbers_do_not_depend_on_the_future(make_config: Callable[..., Config], tmp_path: Path) -> None:
    tables = {}
    for name, more in (("one", []), ("two", [("v1", "j1", 3, 99), ("v2", "j2", 3, 99)])):
        (tmp_path / name).mkdir()
        past = [row for row in timed_rows() if row[3] < 60]
        root = cut(tmp_path / name, [*past, ("u1", "i1", 3, 60), *more])
        dataset = create_dataset(make_config("BPR", root))
        tables[name] = (dataset.field2id_token["user_id"], dataset.field2id_token["item_id"])
    for one, two in zip(tables["one"], tables["two"], strict=True):
        assert np.array_equal(one, two[: len(one)]) and len(two) == len(one) + 2


def test_users_without_a_past_are_tested_from_their_second_event(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rows = [("a", "p", 5, 10), ("a", "q", 5, 20), ("a", "p", 5, 30), ("n", "new", 5, 60), ("n", "p", 5, 70)]
    dataset = create_dataset(make_config("SS4Rec", cut(tmp_path, rows, valid="none")))
    train, _, test = dataset.build()
    assert histories(dataset, test) == [("n", ["new"], "p")]
    popularity = BASELINES["popularity"](train, dataset.config).popularity
    assert dict(zip(dataset.field2id_token["item_id"], popularity.tolist(), strict=True)) == {
        "[PAD]": 0, "p": 2, "q": 1, "new": 0,
    }  # fmt: skip


def test_general_models_test_every_user_of_the_future(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [("a", "p", 5, 10), ("b", "q", 5, 20), ("a", "q", 5, 60), ("n", "new", 5, 60), ("n", "p", 5, 70)]
    config = make_config("BPR", cut(tmp_path, rows, valid="none"), topk=[2], valid_metric="MRR@2")
    loaders = build_loaders(config, create_dataset(config))
    users = loaders.test._dataset.field2id_token["user_id"]
    assert [users[u] for u in loaders.test.uid_list] == ["a", "n"] and loaders.valid is None
    _, (seen_row, seen_item), _, targets = next(iter(loaders.test))
    items = loaders.test._dataset.field2id_token["item_id"]
    assert [(int(r), items[i]) for r, i in zip(seen_row, seen_item, strict=True)] == [(0, "p")]
    assert sorted(items[i] for i in targets) == ["new", "p", "q"]


@pytest.mark.parametrize(
    ("model", "given", "error", "message"),
    [
        ("BPR", {"user_inter_num_interval": "[2,inf)"}, UsageError, "user_inter_num_interval: made is cut into files"),
        ("BPR", {"val_interval": {"timestamp": "[2,inf)"}}, UsageError, "recbole-data split --min-user N"),
        ("BPR", {"benchmark_filename": ["train"]}, UsageError, r"\[train, valid, test\] or \[train, test\]"),
        ("BPR", {"benchmark_filename": ["train", "none"]}, DataError, "made.none.inter is missing"),
        ("DIEN", {}, UsageError, "DIEN builds rows of its own.*take --model=DIN"),
        ("SS4Rec", {"benchmark_filename": ["test", "train"]}, DataError, "2 rows come after rows of a later file"),
    ],
)
def test_what_does_not_go_with_a_cut(
    model: str,
    given: dict[str, Any],
    error: type[Exception],
    message: str,
    make_config: Callable[..., Config],
    root: Path,
) -> None:
    config = make_config(model, root, **given)
    with pytest.raises(error, match=message):
        create_dataset(config).build()


def test_a_split_of_a_cut_is_refused_and_its_record_accepted(make_config: Callable[..., Config], root: Path) -> None:
    with pytest.raises(UsageError, match=r"split has no meaning here: .* cut into files"):
        make_config("BPR", root, eval_args={"split": {"RS": [7, 2, 1]}})
    recorded = make_config("BPR", root)["eval_args"]
    assert make_config("BPR", root, eval_args=recorded)["eval_args"] == recorded


def test_a_future_without_histories(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = cut(tmp_path, [("a", "p", 5, 10), ("a", "q", 5, 20), ("n", "p", 5, 60)], valid="none")
    config = make_config("SS4Rec", root, topk=[2], valid_metric="NDCG@2")
    with pytest.raises(DataError, match="the test split is empty after splitting by global time cut at 1970"):
        build_loaders(config, create_dataset(config))


def test_rows_without_a_user(make_config: Callable[..., Config], root: Path) -> None:
    with open(root / "made" / "made.test.inter", "a") as file:
        file.write("\tp\t9\n")
    with pytest.raises(DataError, match="1 rows have no user_id"):
        create_dataset(make_config("BPR", root))
