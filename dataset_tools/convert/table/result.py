"""Counts of a conversion, the headers that follow from them, and the summary."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.convert.table.layout import Layout, field_names
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.scan import ScanReport
from dataset_tools.files.output import OutputFile
from dataset_tools.lines.distinct import DistinctValues
from dataset_tools.sources.fetch import digest_of


@dataclass
class Counts:
    """What was read and written; `rows` = `kept` + `left_out` + the sum of `refused`."""

    rows: int = 0
    kept: int = 0
    left_out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    users: DistinctValues = field(default_factory=DistinctValues)
    items: DistinctValues = field(default_factory=DistinctValues)
    numbers: np.ndarray | None = None
    cut: list[str] = field(default_factory=list)
    seconds: tuple[int, int] | None = None
    inputs: dict[str, str] = field(default_factory=dict)

    def add(self, found: ScanReport) -> None:
        """Add what one block has."""
        self.rows += found.rows
        self.left_out += found.left_out
        self.users.add(found.users)
        self.items.add(found.items)
        self.numbers = found.numbers if self.numbers is None else self.numbers & found.numbers
        self.cut += [found.file.name] * found.cut


def inter_headers(layout: Layout, counts: Counts) -> list[str]:
    """Typed headers: a kept column is a number if all of its values are."""
    named = ["user_id:token", "item_id:token"]
    named += ["rating:float"] * bool(layout.rating) + ["timestamp:float"] * bool(layout.time)
    numbers = counts.numbers if counts.numbers is not None else np.zeros(len(layout.keep), bool)
    for original, name, is_number in zip(layout.keep, field_names(layout.keep), numbers, strict=True):
        kind = "token_seq" if original in layout.lists else "float" if is_number else "token"
        named.append(f"{name}:{kind}")
    return named


def summary_of(
    options: TableOptions, layout: Layout, folder: Path, counts: Counts, inter: OutputFile, tables: dict[str, Any]
) -> dict[str, Any]:
    """The summary of a conversion, as json takes it."""
    outputs = {
        path.name: inter.digest.hexdigest() if path == inter.path else sha256(path)
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    timed = counts.seconds if layout.time else None
    return {
        "release": "table",
        "columns": _columns(layout),
        "rows": options.rows or None,
        "rows_in": counts.rows,
        "rows_out": counts.kept,
        "rows_rejected": counts.refused.total(),
        "rejected": dict(counts.refused.most_common()),
        "rows_left_out_on_request": counts.left_out,
        "n_users": len(counts.users),
        "n_items": len(counts.items),
        "first_timestamp": timed[0] if timed else None,
        "last_timestamp": timed[1] if timed else None,
        "files_without_a_last_line_end": counts.cut,
        "tables": tables,
        "sha256_input": counts.inputs,
        "sha256_output": outputs,
    }


def _columns(layout: Layout) -> dict[str, Any]:
    return {
        "user": layout.user,
        "item": layout.item,
        "rating": layout.rating or None,
        "time": layout.time or None,
        "time_unit": layout.time_unit if layout.time else None,
        "keep": dict(zip(layout.keep, field_names(layout.keep), strict=True)),
    }


def sha256(path: Path) -> str:
    """The digest of a file."""
    return digest_of(path, "sha256").partition(":")[2]
