from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_tools.errors import DataError
from dataset_tools.lines import ranges
from dataset_tools.lines.ranges import ends_with_newline, lines_of, newline_ranges, read_range


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
