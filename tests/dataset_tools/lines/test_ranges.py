from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.errors import DataError
from dataset_tools.lines import ranges
from dataset_tools.lines.ranges import end_of_text, ends_with_newline, lines_of, newline_ranges, read_range


@given(st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b".")), max_size=40), st.integers(1, 50))
def test_ranges_tile_the_file_at_line_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int
) -> None:
    path = tmp_path_factory.mktemp("ranges") / "log"
    path.write_bytes(b"\n".join(lines))
    parts = newline_ranges(path, size=size)
    text = b"".join(read_range(part).tobytes() for part in parts)
    whole = path.read_bytes()
    assert text == whole + (b"" if not whole or whole.endswith(b"\n") else b"\n")
    assert all(whole[part.end - 1 : part.end] == b"\n" for part in parts[:-1])


def test_a_file_without_line_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MAX_LINE_BYTES", 100)
    (tmp_path / "log").write_bytes(b"x" * 1000)
    with pytest.raises(DataError, match="no line end within 100 bytes after byte 10"):
        newline_ranges(tmp_path / "log", size=10)


def test_lines_come_without_their_ends() -> None:
    buffer = np.frombuffer(b"a\r\nbc\n\n", np.uint8)
    assert list(lines_of(buffer, np.array([0, 3, 6]), np.array([0, 1, 2]))) == [b"a", b"bc", b""]


def test_last_line_end(tmp_path: Path) -> None:
    for text, complete in ((b"", True), (b"a\n", True), (b"a", False)):
        (tmp_path / "f").write_bytes(text)
        assert ends_with_newline(tmp_path / "f") is complete


@pytest.mark.parametrize("tail_bytes", [1 << 12, 3, 2])
def test_empty_lines_at_the_end_are_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail_bytes: int) -> None:
    monkeypatch.setattr(ranges, "_TAIL_BYTES", tail_bytes)
    path = tmp_path / "f"
    texts = {
        b"a\nb": 3,
        b"a\nb\n": 4,
        b"a\nb\n\n\n\n": 4,
        b"a\nb\r\n\r\n": 5,
        b"a\n\n\n": 2,
        b"a\n": 2,
        b"a\n\nb\n\n": 5,
    }
    for text, end in texts.items():
        path.write_bytes(text)
        assert end_of_text(path, 2) == end
        parts = newline_ranges(path, 2, 1, end=end)
        assert b"".join(read_range(part).tobytes() for part in parts).rstrip(b"\n") == text[2:end].rstrip(b"\n")
