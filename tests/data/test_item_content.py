"""Vectors of items from files, fields and `preload_weight`: read in the order of the ids, or refused in a sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.columns.vector_files import read_vectors
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.dataset import create_dataset
from tests.conftest import write_inter

IDS = ["a", "b", "c", "new"]
VALUES = np.arange(8, dtype=np.float32).reshape(4, 2)
Read = Callable[..., Any]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two users with items a to d; vectors of a, b, c and of an item without interactions, in three forms."""
    rows = [(user, item, time) for user in "uv" for time, item in enumerate("abcd")]
    write_inter(tmp_path, "made", rows)
    (tmp_path / "made" / "made.item").write_text(
        "item_id:token\tvector:float_seq\n"
        + "".join(f"{i}\t{x:.0f} {y:.0f}\n" for i, (x, y) in zip(IDS, VALUES, strict=True))
        + "d\t\n"
    )
    (tmp_path / "made" / "made.vec").write_text(
        (tmp_path / "made" / "made.item").read_text().replace("item_id", "iid").replace("d\t\n", "")
    )
    np.save(tmp_path / "v.npy", VALUES)
    (tmp_path / "v.ids").write_text("\n".join(IDS) + "\n")
    pl.DataFrame({"item_id": IDS, "x": VALUES.tolist()}).write_parquet(tmp_path / "v.parquet")
    return tmp_path


@pytest.fixture
def read(make_config: Callable[..., Config], shop: Path) -> Read:
    def make(model: str = "Mamba4Rec", **given: Any) -> Any:
        small = {"topk": [2], "valid_metric": "MRR@2", "metrics": ["MRR"]} if model != "MDAFMamba" else {}
        given = {k: str(shop / v) if k == "item_vectors" and "." in v else v for k, v in given.items()}
        return create_dataset(make_config(model, shop, **small, **given))

    return make


PRELOAD = {
    "additional_feat_suffix": ["vec"],
    "alias_of_item_id": ["iid"],
    "preload_weight": {"iid": "vector"},
}


@pytest.mark.parametrize("given", [{"item_vectors": name} for name in ("v.npy", "v.parquet", "vector")] + [PRELOAD])
def test_each_form_gives_the_same_vectors_by_id(read: Read, given: dict[str, Any]) -> None:
    data = read(**given)
    assert data.item_num == 6
    known = dict(zip(map(str, data.field2id_token["item_id"]), data.item_vectors.tolist(), strict=True))
    assert known == {"[PAD]": [0, 0], "d": [0, 0], **dict(zip(IDS, VALUES.tolist(), strict=True))}
    assert data.has_vector.sum() == 4 and not data.has_vector[data.field2token_id["item_id"]["d"]]
    assert "width 2, of 4 of 5 items (80.0%)" in "\n".join(data.ledger.lines())


@pytest.mark.parametrize("given", [{"item_vectors": name} for name in ("v.npy", "v.parquet", "vector")] + [PRELOAD])
def test_without_cold_items_the_catalogue_is_that_of_the_interactions(read: Read, given: dict[str, Any]) -> None:
    data = read(cold_items=False, **given)
    assert data.item_num == 5 and data.has_vector.sum() == 3 and len(data.item_vectors) == 5


def test_a_run_of_another_vocabulary_takes_no_new_items(make_config: Callable[..., Config], shop: Path) -> None:
    config = make_config("Mamba4Rec", shop, item_vectors=str(shop / "v.npy"), topk=[2], valid_metric="MRR@2")
    vocabulary = {"user_id": ["[PAD]", "u", "v"], "item_id": ["[PAD]", *"dcba"]}
    data = create_dataset(config, vocabulary)
    assert data.item_num == 5 and data.item_vectors[2].tolist() == VALUES[2].tolist()


def saved(path: Path, values: Any, ids: Any = IDS) -> Path:
    np.save(path, values, allow_pickle=True)
    if ids is not None:
        path.with_suffix(".ids").write_text("\n".join(ids) + "\n")
    return path


NAN = VALUES.copy()
NAN[2, 1] = np.nan


@pytest.mark.parametrize(
    ("values", "ids", "says"),
    [
        (NAN, IDS, r"the vector of 'c' \(row 3\) is not finite"),
        (VALUES, ["a", "b", "b", "c"], "two vectors of 'b'"),
        (VALUES, IDS[:3], "has 4 vectors and 3 ids"),
        (VALUES, ["a", "", "b", "c"], r"w.ids:2 is empty"),
        (VALUES, None, r"needs .*w.ids beside it"),
        (VALUES.reshape(-1), IDS, r"is no matrix of numbers, one row per item \(its shape is \(8,\)"),
        (np.array([["a"]] * 4), IDS, "is no matrix of numbers"),
        (np.zeros((4, 0)), IDS, "is no matrix of numbers"),
        (np.array([{}, [], 1, None], dtype=object), IDS, "holds Python objects, which are not loaded"),
    ],
)
def test_a_matrix_that_is_none_is_refused(tmp_path: Path, values: Any, ids: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_vectors(saved(tmp_path / "w.npy", values, ids), "item_id")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"item_id": ["a", "b"], "x": [[1.0, 2], [3.0]]}, "the vector of row 2 has 1 numbers, that of row 1 has 2"),
        ({"item_id": ["a", "b"], "x": [[1.0], [None]]}, "vector of 'b' .row 2. is not finite"),
        ({"item_id": ["a", None], "x": [[1.0], [2.0]]}, "1 rows have no item_id"),
        ({"item_id": ["a", "b"], "x": [["1"], ["2"]]}, "lists of String, not of numbers"),
        ({"item_id": ["a", "b"]}, "0 columns of lists and 0 of numbers"),
        ({"p": ["a"], "q": ["b"], "x": [[1.0]]}, "has no column 'item_id' of ids"),
    ],
)
def test_a_table_that_holds_no_vectors_is_refused(tmp_path: Path, table: dict[str, Any], says: str) -> None:
    pl.DataFrame(table).write_parquet(tmp_path / "w.parquet")
    with pytest.raises(DataError, match=says):
        read_vectors(tmp_path / "w.parquet", "item_id")


def test_a_table_with_a_column_per_number(tmp_path: Path) -> None:
    pl.DataFrame({"sku": ["7", "8"], "x": [1.0, 2], "y": [3.0, 4]}).write_parquet(tmp_path / "w[1].parquet")
    pl.DataFrame({"sku": ["9"], "x": [1.0], "y": [3.0]}).write_parquet(tmp_path / "w1.parquet")
    found = read_vectors(tmp_path / "w[1].parquet", "item_id")
    assert found.ids.tolist() == ["7", "8"] and found.values.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("w.npy", b"no array", "w.npy: it cannot be read|w.npy: it holds Python objects"),
        ("w.npy", b"", "w.npy: it cannot be read"),
        ("w.parquet", b"no table", "w.parquet cannot be read as parquet"),
        ("w.csv", b"a,1\n", "is neither an .npy nor a .parquet file"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "w.ids").write_text("a\n")
    with pytest.raises(DataError, match=says):
        read_vectors(tmp_path / name, "item_id")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.npy", "is no such file"), (tmp_path, "is a folder")):
        with pytest.raises(DataError, match=says):
            read_vectors(path, "item_id")


@pytest.mark.parametrize(
    ("ids", "says"),
    [([], "w.parquet has no rows; write one"), ([1.0, 2.5], "'item_id' has values of type Float64, and ids are text")],
)
def test_a_table_without_rows_or_with_ids_that_are_none_is_refused(tmp_path: Path, ids: list[float], says: str) -> None:
    pl.DataFrame({"item_id": ids, "vector": [[1.0]] * len(ids)}).write_parquet(tmp_path / "w.parquet")
    with pytest.raises(DataError, match=says):
        read_vectors(tmp_path / "w.parquet", "item_id")


def test_ids_of_other_data_are_refused(read: Read, shop: Path) -> None:
    saved(shop / "w.npy", VALUES, ["1", "2", "3", "4"])
    with pytest.raises(DataError, match=r"none of its 4 ids is an item of made .it has '1', the data have 'a'."):
        read(item_vectors="w.npy")


def test_models_that_read_none_refuse_by_name(read: Read) -> None:
    with pytest.raises(UsageError, match=r"item_vectors: SASRec reads no vectors of items .* SS4Rec, Mamba4Rec, MDAF"):
        read("SASRec", item_vectors="v.npy")


def test_vectors_that_are_named_twice_are_refused(read: Read) -> None:
    with pytest.raises(DataError, match="item_vectors and iid both give vectors of items; give one of them"):
        read(item_vectors="v.npy", **PRELOAD)


def test_a_column_of_both_files_is_read_where_the_key_says_and_never_of_both(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    header = "user_id:token\titem_id:token\tbrand:token\ttimestamp:float"
    write_inter(tmp_path, "made", [(u, i, f"seen {k}", k) for u in "uv" for k, i in enumerate("abcd")], header)
    items = "".join(f"{item}\tof {item}\n" for item in "abcd")
    (tmp_path / "made" / "made.item").write_text(f"item_id:token\tbrand:token\n{items}")
    found = {}
    for key in ("item_fields", "event_fields"):
        config = make_config("Mamba4Rec", tmp_path, topk=[2], valid_metric="MRR@2", **{key: ["brand"]})
        found[key] = set(create_dataset(config).field2id_token["brand"][1:])
    assert found == {"item_fields": {f"of {i}" for i in "abcd"}, "event_fields": {f"seen {k}" for k in range(4)}}
    both = {"item_fields": ["brand"], "event_fields": ["brand"], "topk": [2], "valid_metric": "MRR@2"}
    with pytest.raises(DataError, match="reads 'brand' of the interactions and of a table of users or items; take one"):
        create_dataset(make_config("Mamba4Rec", tmp_path, **both))


def test_a_field_that_is_no_list_of_numbers_is_refused(read: Read) -> None:
    with pytest.raises(DataError, match="item_vectors names 'brand'"):
        read(item_vectors="brand")
