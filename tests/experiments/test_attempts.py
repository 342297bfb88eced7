from pathlib import Path

import pytest

from recbole_ext.errors import DataError
from recbole_ext.experiments.attempts import Journal, hours_between

START = '{"event": "start", "attempt": 1, "seed": 7, "time": "2026-01-01T00:00:00+00:00"}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\n" * 3, "runs.jsonl is damaged: it is no text in UTF-8"),
        (START.replace("2026-01-01T", "yesterday ").encode() + START.encode(), r"runs\.jsonl:1: this line is damaged"),
        (None, "runs.jsonl is damaged: Is a directory"),
    ],
    ids=["no text", "no time", "a folder"],
)
def test_a_damaged_journal_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Journal(path).attempts()


def test_a_clock_that_is_set_back_takes_no_time() -> None:
    assert hours_between("2026-01-01T01:00:00+00:00", "2026-01-01T00:00:00+00:00") == 0.0
    assert hours_between("2026-01-01T00:00:00+00:00", "2026-01-01T01:30:00+00:00") == 1.5
