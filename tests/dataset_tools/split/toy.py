"""Small files to cut."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
# time 10 is a tie across users; user 3 and item c are new in the future, which begins at 20
ROWS = [
    ("1", "a", 5, 10), ("2", "a", 4, 10), ("1", "b", 3, 11), ("2", "b", 2, 15), ("1", "a", 1, 19),
    ("1", "b", 5, 20), ("3", "a", 4, 20), ("2", "c", 3, 25), ("3", "c", 2, 31),
]  # fmt: skip
Rows = list[tuple[str, str, int, int]]


def write(folder: Path, rows: Rows, name: str = "toy") -> Path:
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    (folder / f"{name}.inter").write_text(HEADER + text)
    return folder


def read(folder: Path, part: str) -> Rows:
    lines = (folder / f"{folder.name}.{part}.inter").read_text().splitlines()
    assert lines[0] + "\n" == HEADER
    return [(u, i, int(r), int(t)) for u, i, r, t in (line.split("\t") for line in lines[1:])]


Cut = Callable[..., tuple[Path, dict[str, Any]]]
