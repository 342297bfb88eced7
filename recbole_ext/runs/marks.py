"""What a person notes about a run: tags and a sentence, in `marks.json` of its directory."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from recbole_ext.errors import UsageError
from recbole_ext.files import write_atomically
from recbole_ext.runs.run_kinds import MARKS

FILE = "marks.json"
LONGEST_TAG = 40


@dataclass(frozen=True)
class Marks:
    """Of one run.

    Attributes:
        tags: sorted, without repeats.
        note: a sentence; "" for none.
    """

    tags: tuple[str, ...] = ()
    note: str = ""


def read_marks(run: Path) -> Marks:
    """The marks of a run; none where there is no such file.

    Raises:
        DataError: the file is damaged.
    """
    path = run / FILE
    if not os.path.lexists(path):
        return Marks()
    found = MARKS.read_json(path)
    return Marks(tuple(found["tags"]), found["note"])


def mark(run: Path, add: list[str], remove: list[str], note: str | None = None) -> Marks:
    """Add and remove tags of a run, and set its note where one is given; returns what it has then.

    Raises:
        UsageError: a tag is empty, too long, or has blanks or commas.
        DataError: the file is damaged.
        ResourceError: the file cannot be written.
    """
    for tag in [*add, *remove]:
        if not tag or len(tag) > LONGEST_TAG or any(sign.isspace() or sign == "," for sign in tag):
            raise UsageError(f"a tag has 1 to {LONGEST_TAG} characters and neither blanks nor commas (got {tag!r})")
    old = read_marks(run)
    marks = Marks(tuple(sorted({*old.tags, *add} - {*remove})), old.note if note is None else note)
    write_atomically(run / FILE, json.dumps({"format": MARKS.version, **asdict(marks)}, ensure_ascii=False).encode())
    return marks
