"""Categories of items, as the type of their column says."""

from pathlib import Path

import pytest

from dataset_tools.drift.counting.categories import item_categories
from dataset_tools.drift.inputs import Source, find_columns
from dataset_tools.drift.options import DriftOptions


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("token", {("1", "Sci Fi"), ("2", "Art")}),
        ("token_seq", {("1", "Sci"), ("1", "Fi"), ("2", "Art")}),
    ],
)
def test_a_blank_separates_the_names_of_a_sequence_alone(
    tmp_path: Path, kind: str, found: set[tuple[str, str]]
) -> None:
    log = tmp_path / "x.inter"
    log.write_text("user_id:token\titem_id:token\ttimestamp:float\n1\t1\t5\n")
    (tmp_path / "x.item").write_text(f"item_id:token\tgenre:{kind}\n1\tSci Fi\n2\tArt\n3\t\n")
    sources = [Source(log, None)]
    pairs = item_categories(sources, find_columns(DriftOptions(log, tmp_path), sources))
    assert set(pairs.iter_rows()) == found


def test_a_column_that_another_option_names_is_no_value_and_no_category(tmp_path: Path) -> None:
    log = tmp_path / "x.inter"
    log.write_text("user_id:token\tcategory:token\trating:float\ttimestamp:float\n1\t1\t5\t5\n")
    found = find_columns(
        DriftOptions(log, tmp_path, item_field="category", category_field="rating"), [Source(log, None)]
    )
    assert found.value is None and found.group == "rating"
    assert find_columns(DriftOptions(log, tmp_path, item_field="category"), [Source(log, None)]).group is None
