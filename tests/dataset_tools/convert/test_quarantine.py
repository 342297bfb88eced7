from collections import Counter
from pathlib import Path

import pytest

from dataset_tools.convert.quarantine import REASONS, RejectedList, check_limit, classify, escaped
from dataset_tools.errors import DataError
from dataset_tools.sources import RELEASES
from dataset_tools.sources.release import RowError

CSV = [
    ("1,2,3.5", "too_few_columns"),
    ("", "too_few_columns"),
    ("1,2,3.5,1112486027,9", "too_many_columns"),
    (",2,3.5,1112486027", "empty_id"),
    ("1, ,3.5,1112486027", "empty_id"),
    ("a,2,3.5,1112486027", "id_not_a_number"),
    ("1,-2,3.5,1112486027", "id_not_a_number"),
    ("1,02,3.5,1112486027", "id_not_a_number"),
    ("1,nan,3.5,1112486027", "id_not_a_number"),
    ("1,2147483648,3.5,1112486027", "id_too_large"),
    ("1," + "9" * 5000 + ",3.5,1112486027", "id_too_large"),
    ("1,2,,1112486027", "rating_not_a_number"),
    ("1,2,four,1112486027", "rating_not_a_number"),
    ("1,2,1_0,1112486027", "rating_not_a_number"),
    ("1,2,NaN,1112486027", "rating_not_finite"),
    ("1,2,-inf,1112486027", "rating_not_finite"),
    ("1,2,1e999,1112486027", "rating_not_finite"),
    ("1,2,0,1112486027", "rating_outside_scale"),
    ("1,2,5.5,1112486027", "rating_outside_scale"),
    ("1,2,3.7,1112486027", "rating_outside_scale"),
    ("1,2,3.5,", "time_not_a_number"),
    ("1,2,3.5,yesterday", "time_not_a_number"),
    ("1,2,3.5,inf", "time_not_finite"),
    ("1,2,3.5,1112486027.5", "time_not_an_integer"),
    ("1,2,3.5,01112486027", "time_not_an_integer"),
    ("1,2,3.5,1345382", "time_outside_window"),
    ("1,2,3.5,-1112486027", "time_outside_window"),
    ("1,2,3.5," + "9" * 30, "time_outside_window"),
]


@pytest.mark.parametrize(("line", "reason"), CSV)
def test_each_fault_has_its_reason(line: str, reason: str) -> None:
    with pytest.raises(RowError, match=f"^{reason}$"):
        classify(line.encode(), RELEASES["ml-20m"].log)


def test_unknown_behaviour() -> None:
    with pytest.raises(RowError, match="behaviour_unknown"):
        classify(b"1,2,3,PV,1511544070", RELEASES["taobao"].log)


def test_every_reason_but_duplicates_is_covered() -> None:
    assert {reason for _, reason in CSV} | {"behaviour_unknown", "exact_duplicate"} == set(REASONS)


def test_a_rating_spelt_another_way_has_its_value() -> None:
    log = RELEASES["ml-20m"].log
    for text in (b"4", b"4.00", b"+4", b"4e0"):
        assert log.symbols[classify(b"1,2," + text + b",1112486027", log)[2]] == "4.0"


def test_limit_names_reasons_and_first_lines() -> None:
    with pytest.raises(DataError, match=r"3 of 100 rows rejected \(3.000%\), allowed 1.000%") as caught:
        check_limit("f", 100, Counter(empty_id=2, id_too_large=1), {"empty_id": "line 7"}, 0.01)
    assert "empty_id 2 (first: line 7), id_too_large 1" in str(caught.value)
    check_limit("f", 100, Counter(empty_id=1), {}, 0.01)


def test_rejected_rows_stay_readable(tmp_path: Path) -> None:
    rejected = RejectedList(tmp_path / "r.tsv")
    rejected.write([("f", 3, "empty_id", b"a\tb\\c\xff\r"), ("f", 4, "empty_id", b"x" * 5000)])
    rejected.close()
    lines = (tmp_path / "r.tsv").read_text().split("\n")
    assert lines[1] == "f\t3\tempty_id\ta\\tb\\\\c\\xff\\r"
    assert lines[2].endswith("x...") and rejected.counts["empty_id"] == 2
    assert escaped("é".encode()) == "é"
