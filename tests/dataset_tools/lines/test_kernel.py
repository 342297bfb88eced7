import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.convert.quarantine import classify
from dataset_tools.convert.rows import kinds_of, packed, packed_symbols
from dataset_tools.lines import column_kinds, kernel
from dataset_tools.lines.scan import scan
from dataset_tools.sources import RELEASES
from dataset_tools.sources.release import Log, RowError

PIECES = [
    "1",
    "0",
    "07",
    "42",
    "-1",
    "",
    " ",
    "nan",
    "3.5",
    "3.50",
    "4.0",
    "pv",
    "buy",
    "1511544070",
    "1112486027",
]
PIECES += ["978300760", "9" * 19, "2147483648", ":", "::", ",", "\t", "é", "\r", "x"]


def scanned(text: bytes, log: Log) -> tuple[np.ndarray, np.ndarray]:
    columns, _, clean = scan(np.frombuffer(text, np.uint8), log.separator, kinds_of(log), packed_symbols(log))
    return columns.copy(), clean.copy()


@pytest.mark.parametrize("name", ["ml-100k", "ml-1m", "ml-20m", "taobao"])
@given(st.data())
def test_accepts_only_what_the_plain_reading_accepts(name: str, data: st.DataObject) -> None:
    log = RELEASES[name].log
    fields = data.draw(st.lists(st.sampled_from(PIECES), min_size=3, max_size=6))
    line = log.separator.join(fields).encode()
    if b"\n" in line:
        return
    columns, clean = scanned(line + b"\n", log)
    try:
        values = classify(line.removesuffix(b"\r"), log)
    except RowError:
        values = None
    in_window = clean[0] and log.window[0] <= columns[-1, 0] < log.window[1]
    if in_window:
        assert values == columns[:, 0].tolist()
    elif values is not None:  # accepted at the second look alone: a rating spelt another way
        assert float(log.symbols[values[2]]) == float(fields[2])


@given(st.lists(st.tuples(st.integers(0, kernel.MAX_ID), st.integers(-(10**17), 10**17)), max_size=30))
def test_written_lines_read_back(rows: list[tuple[int, int]]) -> None:
    kinds = np.array([column_kinds.ID, column_kinds.TEXT, column_kinds.TIME], np.int8)
    columns = np.array([[i, packed("4.5"), t] for i, t in rows], np.int64).reshape(-1, 3).T
    out = np.empty(len(rows) * 60, np.uint8)
    text = out[: kernel.write_lines(np.ascontiguousarray(columns), kinds, out)].tobytes()
    assert text == "".join(f"{i}\t4.5\t{t}\n" for i, t in rows).encode()
    again, _, clean = scan(np.frombuffer(text, np.uint8), "\t", kinds, np.empty(0, np.int64))
    assert clean.all() and np.array_equal(again, columns)


def test_a_leading_zero_byte_is_not_lost_in_packing() -> None:
    text = b"1,2,3,\0pv,1511544070\n1,2,3,p\0v,1511544070\n1,2,3,pv\0,1511544070\n"
    assert not scanned(text, RELEASES["taobao"].log)[1].any()


def test_long_text_and_cr_inside_are_flagged() -> None:
    log = RELEASES["taobao"].log
    _, clean = scanned(b"1,2,3,pvpvpvpv,1511544070\n1,2,3,p\rv,1511544070\n1,2,3,pv,1511544070\r\n\n", log)
    assert clean.tolist() == [False, False, True, False]
