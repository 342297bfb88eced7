"""Settings of the command `drift`."""

import re
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import UsageError

REFERENCES = ("past", "previous")


@dataclass(frozen=True)
class DriftOptions:
    """One comparison of a past with a future.

    Args:
        past: folder of a data set or its `.inter` file; with `cut` also of the future. A data set that `split` made,
            without `future` and `cut`, is both: train and valid are the past, test is the future.
        output: folder that is written.
        future: folder or file of the later interactions.
        cut: first moment of the future as a date or Unix seconds, or the fraction of the rows that is past.
        windows: length of the windows of the future, such as `30d`; one window unless given.
        reference: what a window is compared with: the whole `past`, or the `previous` window.
        thresholds: a yaml that overrides single thresholds.
        overwrite: replace a folder this command wrote.
        user_field, item_field, time_field: names in the header.
        value_field, category_field: the same; found by their usual names unless given.
        time_unit: what the times count, see clocks.py.
        utc_offset: of the clock whose hours and days are compared, such as `+08:00`.
        seed: of the random assignments.
        quiet: no progress bar.
    """

    past: Path
    output: Path
    future: Path | None = None
    cut: str | None = None
    windows: str | None = None
    reference: str = "past"
    thresholds: Path | None = None
    overwrite: bool = False
    user_field: str = "user_id"
    item_field: str = "item_id"
    time_field: str = "timestamp"
    value_field: str | None = None
    category_field: str | None = None
    time_unit: str = "seconds"
    utc_offset: str = "+00:00"
    seed: int = 2020
    quiet: bool = False

    @property
    def offset_seconds(self) -> int:
        """Seconds that the clock is ahead of UTC.

        Raises:
            UsageError: the offset cannot be parsed.
        """
        found = re.fullmatch(r"([+-])(\d{2}):(\d{2})", self.utc_offset)
        if found is None or int(found[2]) > 14 or int(found[3]) > 59:
            raise UsageError(f"--utc-offset {self.utc_offset}: write hours and minutes with a sign, such as +08:00.")
        seconds = 3600 * int(found[2]) + 60 * int(found[3])
        return -seconds if found[1] == "-" else seconds
