"""A table of users or items, with any columns, to an atomic file: one line an id, in the order of the input."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dataset_tools.convert.quarantine import RejectedList, check_limit
from dataset_tools.convert.table import guess
from dataset_tools.convert.table.column_types import require_text
from dataset_tools.convert.table.layout import field_names
from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.parse import parse_block
from dataset_tools.convert.table.reading.read import read_blocks
from dataset_tools.convert.table.reading.source import Source, shown
from dataset_tools.convert.table.resolve import is_list, sample_of
from dataset_tools.convert.table.text_runs import lines_of_table
from dataset_tools.convert.table.values import holds_separator, is_number_column, kept_text, plain_ids
from dataset_tools.errors import UsageError

ADVICE = "Correct the rows or name the column of ids (--user-key, --item-key), or allow more with"


@dataclass
class SideTable:
    """One table.

    Args:
        source: the input.
        kind: `user` or `item`.
        key: its column of ids; "" for the name that the log has for it, or one that people use.
        log_name: of the user or the item in the log.

    Attributes:
        headers: of the atomic file, once it is written.
        key_column: the column of ids that was found.
    """

    source: Source
    kind: str
    key: str
    log_name: str

    def __post_init__(self) -> None:
        self.headers: list[str] = []
        sample = sample_of(self.source)
        require_text(self.source, sample)
        self.key_column = self._found_key(self.source.columns)
        if self.source.frame is not None:
            self.source.frame.require_one_kind(self.kind, self.key_column)
        self._others = [name for name in self.source.columns if name != self.key_column]
        self._lists = {name for name in self._others if is_list(sample[name], self.source.kind)}
        self._seen: set[str] = set()

    def _found_key(self, names: tuple[str, ...]) -> str:
        option = f"{self.kind}-key"
        if self.key:
            return guess.named_column(option, self.key, names, False)
        if self.log_name in names:
            return self.log_name
        found = guess.guess_column(option, guess.USERS if self.kind == "user" else guess.ITEMS, list(names), _any)
        if not found:
            raise UsageError(
                f"--{option}: no column of {self.source.path} is called {self.log_name}; name one of {shown(names)}"
            )
        return found

    def write(self, path: Path, rejected: RejectedList, max_rejected: float) -> dict[str, Any]:
        """Write the atomic file; returns the counts of its rows.

        Args:
            path: new file.
            rejected: where unusable rows go.
            max_rejected: fraction of the rows that may be unusable.

        Raises:
            DataError: too many rows are unusable.
        """
        before, rows, numbers, texts = rejected.counts.copy(), 0, np.ones(len(self._others), bool), []
        for block in read_blocks(self.source, list(self.source.columns)):
            count, table = self._good(block, rejected)
            rows += count
            numbers &= np.array([is_number_column(table[f"kept {at}"]) for at in range(len(self._others))], bool)
            texts.append(lines_of_table(table))
        refused = rejected.counts - before
        check_limit(self.source.path.name, rows, refused, rejected.examples, max_rejected, ADVICE)
        fields = field_names(tuple(self._others), (f"{self.kind}_id",))
        kinds = [
            "token_seq" if name in self._lists else "float" if number else "token"
            for name, number in zip(self._others, numbers, strict=True)
        ]
        self.headers = [f"{self.kind}_id:token", *(f"{one}:{kind}" for one, kind in zip(fields, kinds, strict=True))]
        with path.open("wb") as file:
            file.write(("\t".join(self.headers) + "\n").encode())
            for text in texts:
                file.write(text.data)
        return {"rows_in": rows, "rows_out": rows - refused.total(), "rejected": dict(refused)}

    def _good(self, block: Block, rejected: RejectedList) -> tuple[int, pl.DataFrame]:
        """Number of rows, and those with an id of their own."""
        parsed = parse_block(block, [self.key_column, *self._others])
        reasons = dict(parsed.refused)
        ids = plain_ids(parsed.table[self.key_column]).cast(pl.String)
        broken = holds_separator(ids)
        kept = []
        for at, (record, name) in enumerate(zip(parsed.rows.tolist(), ids.to_list(), strict=True)):
            reason = "" if name and name.strip() else "empty_id"
            reason = reason or "id_holds_a_tab_or_line_end" * bool(broken[at]) or "double_id" * (name in self._seen)
            if reason:
                reasons[record] = reason
            else:
                self._seen.add(name)
                kept.append(at)
        rejected.write((self.source.path.name, block.line(at), reasons[at], block.text(at)) for at in sorted(reasons))
        table = parsed.table[kept]
        others = {f"kept {at}": kept_text(table[name], name in self._lists) for at, name in enumerate(self._others)}
        return parsed.n_rows, pl.DataFrame({"id": ids[kept], **others})


def _any(name: str) -> bool:
    return True
