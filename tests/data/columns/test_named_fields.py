"""Columns that settings name, and the rows that `val_interval` keeps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, RecBoleExtError, UsageError
from recbole_ext.pipeline.dataset import create_dataset
from tests.conftest import write_inter

HEADER = "user_id:token\titem_id:token\tstars:float\tcity:token\ttags:token_seq"
ROWS = [(f"u{n % 4}", f"i{n % 5}", n % 5 + 1, n % 3, "a b") for n in range(20)]
"""Stars 1 to 5 four times each; cities 0 to 2."""


@pytest.fixture
def kept(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    root = write_inter(tmp_path, "made", ROWS, HEADER)
    return lambda **given: create_dataset(make_config("BPR", root, load_col=None, **given)).inter_feat


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"stars": "[4,inf)"}, 8),
        ({"stars": "(4,inf)"}, 4),
        ({"stars": "[1,1];[5,5]"}, 8),
        ({"stars": [2, 3]}, 8),
        ({"stars": ["2", "3"]}, 8),
        ({"city": ["0", "2"]}, 13),
        ({"city": [1]}, 7),
        ({"stars": "(-inf,2]", "city": [0]}, sum(row[2] <= 2 and row[3] == 0 for row in ROWS)),
    ],
    ids=str,
)
def test_val_interval_keeps_these_rows(kept: Callable[..., Any], wanted: dict[str, Any], count: int) -> None:
    assert len(kept(val_interval=wanted)) == count


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"time_unit": "milliseconds", "val_interval": {"timestamp": "[1600000002000,1600000005000)"}}, 3),
        ({"time_unit": "milliseconds", "val_interval": {"timestamp": "(-inf,1600000002000)"}}, 2),
        ({"val_interval": {"timestamp": "[1600000002,1600000005)"}}, 3),
    ],
    ids=str,
)
def test_times_are_filtered_in_the_unit_of_the_file(
    make_config: Callable[..., Config], tmp_path: Path, given: dict[str, Any], count: int
) -> None:
    size = 1000 if "time_unit" in given else 1
    root = write_inter(tmp_path, "made", [(f"u{n % 2}", f"i{n % 3}", (1600000000 + n) * size) for n in range(9)])
    assert len(create_dataset(make_config("BPR", root, load_col=None, **given)).inter_feat) == count


def test_listed_values_that_no_row_has_are_reported(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(tmp_path, "made", ROWS, HEADER)
    dataset = create_dataset(make_config("BPR", root, load_col=None, val_interval={"city": ["0", "00", "1.0"]}))
    sentence = "val_interval: no row has city '00', '1.0'; list values as the file has them"
    assert len(dataset.inter_feat) == 7 and dataset.ledger.warnings == [sentence]


@pytest.mark.parametrize(
    ("given", "fault", "message"),
    [
        ({"val_interval": {"star": "[4,inf)"}}, DataError, "val_interval names 'star' .*did you mean 'stars'"),
        ({"val_interval": {"city": "[0,1]"}}, UsageError, "city is a token column; list the values to keep"),
        ({"val_interval": {"stars": [1, 2, 3]}}, UsageError, "stars is a float column; its values must be an interval"),
        ({"val_interval": {"tags": ["a"]}}, DataError, "val_interval is for float or token columns, and tags is of"),
        ({"threshold": {"city": 1}}, DataError, "threshold is for float columns, and city is of type token"),
        ({"numerical_features": ["city"]}, DataError, "numerical_features is for float or float_seq columns, and city"),
        ({"normalize_field": ["price"]}, DataError, "normalize_field names 'price'"),
    ],
    ids=str,
)
def test_a_column_that_does_not_fit(
    kept: Callable[..., Any], given: dict[str, Any], fault: type[RecBoleExtError], message: str
) -> None:
    with pytest.raises(fault, match=message):
        kept(**given)


def test_all_missing_columns_are_listed_with_those_there_are(kept: Callable[..., Any]) -> None:
    with pytest.raises(DataError) as caught:
        kept(threshold={"rating": 4}, normalize_field=["year"])
    has = "which made.inter does not have; it has user_id:token, item_id:token, stars:float, city:token, tags:token_seq"
    assert str(caught.value).splitlines() == [
        f"threshold names 'rating' (command line), {has}; for instance --threshold='{{stars: 4}}'",
        f"normalize_field names 'year' (command line), {has}; for instance --normalize_field='[stars]'",
    ]
