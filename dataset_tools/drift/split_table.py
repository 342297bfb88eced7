"""The table of how far the splits are from training; it imports no library, so that pages are quick to write."""

from collections.abc import Mapping, Sequence
from typing import Any


def distances_table(found: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[object]]]:
    """Head and rows: a row per measure, and for each split the value and that of a random split.

    Args:
        found: `SplitDistance` as mappings, such as a `result.json` holds them.
    """
    splits = list(dict.fromkeys(each["split"] for each in found))
    cells = {(each["measure"], each["split"]): each for each in found}
    titles = {each["measure"]: each["title"] for each in found}
    head = ["from training", *(text for split in splits for text in (split, f"{split}, random"))]
    rows: list[list[object]] = [
        [title, *(cell for split in splits for cell in _cells(cells.get((measure, split))))]
        for measure, title in titles.items()
    ]
    return head, rows


def _cells(found: Mapping[str, Any] | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    form = "{:.1%}" if found["is_share"] else "{:.4f}"
    return form.format(found["value"]), form.format(found["random"])
