"""Cut times, spans and fractions from the options."""

import re
from datetime import datetime, timedelta, timezone

from dataset_tools.errors import UsageError

PRESETS = {"ml32m-after-ml20m": 1427784003}
_UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}


def parse_time(text: str) -> int:
    """Unix seconds from `1427784003` or `2015-03-31T06:40:03Z`.

    Raises:
        UsageError: it is neither, has no time zone, or is not a whole second.
    """
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time; write it as 2015-03-31T06:40:03Z, with +08:00 for Z, or in Unix seconds."
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"{text!r} has no time zone; add Z for UTC or an offset such as +08:00.")
    if moment.microsecond:
        raise UsageError(f"{text!r} is not a whole second; data sets have whole seconds.")
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)


def parse_span(text: str, option: str = "--windows") -> int:
    """Seconds from `30d`, `12h` or `1w`.

    Raises:
        UsageError: it is none of these, or zero.
    """
    found = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if found is None or int(found[1]) == 0:
        raise UsageError(f"{option} {text}: write a whole number and h, d or w, such as 30d.")
    return int(found[1]) * _UNITS[found[2]]


def parse_share(text: str, option: str) -> float:
    """A fraction strictly between 0 and 1.

    Raises:
        UsageError: it is not.
    """
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UsageError(f"{option} {text}: a fraction of the rows between 0 and 1 is required, such as 0.8.")
    return share
