"""One epoch as a row: all of it in `metrics.csv`, what fits a line on the terminal."""

from typing import Any


def shown_cells(row: dict[str, Any], metric: str, hidden: set[str], quiet: tuple[str, ...]) -> dict[str, Any]:
    """The cells for a person.

    Args:
        row: all cells.
        metric: by which weights are chosen; of the sample of the training split it alone is shown.
        hidden: names that are left out.
        quiet: beginnings of names that are left out.
    """
    kept = {name: value for name, value in row.items() if name not in hidden and not name.startswith(quiet)}
    measured = {f"train_{name}" for name in row if name != metric}
    return {name: value for name, value in kept.items() if name not in measured}
