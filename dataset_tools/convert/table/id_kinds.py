"""Ids of json lines that are numbers in one row and text in another: 1 and '1' would become one user or one item.

A csv does not tell them apart; columns of parquet files and DataFrames have types, see column_types.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.json_value import parsed_object
from dataset_tools.errors import DataError

NUMBER, TEXT = "a number", "text"
_PATTERNS = {NUMBER: rb"-?\d", TEXT: rb"""u?(?:"[^"]|'[^'])"""}


def kinds_in(block: Block, column: str) -> dict[str, int]:
    """`a number` and `text` among the ids of a block, each with the line that has it first; none unless it is json."""
    return _of_json(block, column) if block.source.kind == "json" and len(block) else {}


def _of_json(block: Block, column: str) -> dict[str, int]:
    """Counts of bytes decide where all ids are of one kind, because a search of each line takes ten times as long."""
    data, key = block.buffer.tobytes(), json.dumps(column, ensure_ascii=False).encode()
    n_texts, first = data.count(key + b': "') + data.count(key + b':"'), _kind(block, 0, column)
    if first and n_texts == (data.count(key) if first == TEXT else 0):
        return {first: block.line(0)}
    found = {}
    for kind, pattern in _PATTERNS.items():
        for match in re.finditer(rb"""["']%s["']\s*:\s*%s""" % (re.escape(key[1:-1]), pattern), data):
            record = int(np.searchsorted(block.starts, match.start(), "right")) - 1
            if _kind(block, record, column) == kind:  # the key of an object within has the same name
                found[kind] = block.line(record)
                break
    return found


def _kind(block: Block, record: int, column: str) -> str:
    """What an id is; "" if it is missing or neither."""
    value: Any = (parsed_object(block.text(record).decode("utf-8", "replace")) or {}).get(column)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return NUMBER
    return TEXT if isinstance(value, str) and value else ""


@dataclass
class IdKinds:
    """What the ids of one column were so far, in all files."""

    role: str
    column: str
    seen: dict[str, str] = field(default_factory=dict)

    def add(self, found: dict[str, int], file: str) -> None:
        """Note the kinds of a block.

        Raises:
            DataError: both kinds occur.
        """
        for kind, line in found.items():
            self.seen.setdefault(kind, f"{file}:{line}")
        if len(self.seen) > 1:
            text, number = self.seen[TEXT], self.seen[NUMBER]
            raise DataError(
                f"{text}: {self.column} ({self.role}) is text, and a number at {number}; 1 and '1' would be one "
                f"{self.role};\nwrite all of them as text first: "
                f"""jq -c '(.["{self.column}"] | numbers) |= tostring' FILE"""
            )
