"""One conversion of a table, as the command line or a call states it."""

import re
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.convert.table.reading.frame import Frame
from dataset_tools.convert.table.reading.opened import plain_name
from dataset_tools.errors import UsageError
from dataset_tools.files.publish import require_folder_name


@dataclass(frozen=True)
class TableOptions:
    """What to convert, and which column is which.

    Args:
        input: files and DataFrames, read one after another.
        output: folder of data sets; the result is `<output>/<name>/`.
        name: of the data set; that of the first file unless given.
        user, item, rating, time: names of columns; "" to guess, `none` for no rating and no time.
        item_separator: between the items of one row, each of which becomes a row; "" where a row has one.
        time_unit: `s`, `ms`, `us`, `ns`, `iso` or a format; "" to guess.
        keep: further columns to write.
        columns: names of the columns of a csv without a header.
        rows: which rows stay, such as `rating >= 4`; "" for all.
        users, items: tables of users and items.
        user_key, item_key: their columns of ids; "" for the name of the user and the item in the input.
        encoding: of text files.
        overwrite: replace a data set this package wrote.
        max_rejected: fraction of the rows that may be refused.
        engine, threads, ray_address: where the work runs.
        quiet: no progress bar and no sentences.
    """

    input: tuple[Path | Frame, ...]
    output: Path
    name: str = ""
    user: str = ""
    item: str = ""
    rating: str = ""
    time: str = ""
    time_unit: str = ""
    item_separator: str = ""
    keep: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: str = ""
    users: Path | Frame | None = None
    items: Path | Frame | None = None
    user_key: str = ""
    item_key: str = ""
    encoding: str = "utf-8"
    overwrite: bool = False
    max_rejected: float = 0.001
    engine: str = "local"
    threads: int = 0
    ray_address: str | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        if not self.input:
            raise UsageError("--input: at least one file is needed")
        require_folder_name(self.name)
        for option, key, table in (
            ("--user-key", self.user_key, self.users),
            ("--item-key", self.item_key, self.items),
        ):
            if key and table is None:
                raise UsageError(f"{option} {key}: names a column of {option[:-4]}s FILE, which is not given")

    @property
    def target(self) -> Path:
        """The folder that is written."""
        return self.output / (self.name or self.stem)

    @property
    def stem(self) -> str:
        """The name of the data set unless one is given."""
        first = self.input[0]
        stem = "" if isinstance(first, Frame) else plain_name(first).partition(".")[0]
        return re.sub(r"[^\w.-]+", "_", stem) or "table"

    @property
    def read(self) -> list[Path]:
        """Every file that is read."""
        return [one for one in (*self.input, self.users, self.items) if isinstance(one, Path)]
