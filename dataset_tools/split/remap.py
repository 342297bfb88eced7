"""Files with renumbered ids, and the maps back to the original ids."""

import io
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.errors import DataError
from dataset_tools.files.headers import read_header
from dataset_tools.files.ids import Ids
from dataset_tools.files.interactions import Chunk, Interactions
from dataset_tools.split.filters import IdMap


def renumbered(piece: Chunk, log: Interactions, maps: tuple[IdMap, IdMap]) -> bytes:
    """The rows as text with the numbers of `maps` in place of the ids."""
    if not len(piece.times):
        return b""
    names = [found.field for found in log.fields]
    table = pl.read_csv(
        piece.buffer.tobytes(),
        has_header=False,
        new_columns=names,
        separator="\t",
        quote_char=None,
        infer_schema=False,
    )
    table = table.with_columns(
        pl.Series(log.user_field, maps[0].apply(piece.users)),
        pl.Series(log.item_field, maps[1].apply(piece.items)),
    )
    out = io.BytesIO()
    table.write_csv(out, include_header=False, separator="\t", quote_style="never")
    return out.getvalue()


def write_map(path: Path, ids: Ids, numbers: IdMap, past: np.ndarray) -> None:
    """`token, number, in_past` for every number; those of the past come first."""
    codes = numbers.codes()
    known = np.isin(codes, np.flatnonzero(past))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("token\tnumber\tin_past\n")
        for number, (token, inside) in enumerate(zip(ids.tokens(codes), known.tolist(), strict=True), 1):
            file.write(f"{token}\t{number}\t{int(inside)}\n")


def write_renumbered_table(source: Path, target: Path, name: str, ids: Ids, numbers: IdMap) -> None:
    """A `.user` or `.item` file with numbers for ids; entities without a number are left out.

    Raises:
        DataError: the file has no column of these ids, or a row has more or fewer columns than the header.
    """
    header = [found.field for found in read_header(source)]
    if name not in header:
        raise DataError(f"{source}: no column {name}, whose ids are to be renumbered; it has {', '.join(header)}.")
    at = header.index(name)
    with (
        source.open(encoding="utf-8", newline="\n") as file,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        out.write(next(file))
        for number, line in enumerate(file, 2):
            values = line.rstrip("\r\n").split("\t")
            if not any(values):
                continue
            if len(values) != len(header):
                raise DataError(f"{source}:{number}: {len(values)} columns, the header has {len(header)}.")
            code = ids.code(values[at])
            if code < len(numbers.number) and numbers.number[code]:
                values[at] = str(numbers.number[code])
                out.write("\t".join(values) + "\n")
