"""Which column is the user, the item, the rating and the time, and what the times count: from names and from values."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from dataset_tools.convert.table.layout import NONE
from dataset_tools.convert.table.reading.source import shown
from dataset_tools.convert.table.times_read import ISO, UNIT_WORDS, read_times
from dataset_tools.errors import UsageError
from dataset_tools.times.clocks import UNITS, unit_of
from dataset_tools.times.tally import EARLIEST, LATEST

USERS = (
    """userid user uid uuid reviewerid visitorid visitor customerid customer customernumber clientid client memberid
    member buyerid buyer shopperid accountid account authorsteamid steamid profileid personid viewerid playerid
    studentid guestid cookieid deviceid msno userkey""",
    "username user_name reviewername login email author nickname",
    "sessionid session visitid impressionid",
)
ITEMS = (
    """itemid item iid asin parentasin movieid movie filmid productid product prodid businessid business bookid book
    isbn sku skuid videoid video trackid track songid song musicbrainztrackid articleid article newsid news gameid appid
    locationid venueid poiid placeid recipeid animeid gmapid goodsid adid adgroupid courseid listingid hotelid
    restaurantid contentid showid podcastid beerid beerbeerid jobid postid""",
    "productname itemname title movietitle game trackname artistid artist musicbrainzartistid url",
)
RATINGS = (
    "rating ratings overall stars star score bookrating userrating reviewscore reviewoverall reviewrating starrating",
)
TIMES = (
    """timestamp ts time unixreviewtime unixtime unixtimestamp reviewtimestamp eventtime eventtimestamp timems
    timestampms timestampcreated createdat created purchasedat boughtat bought orderedat viewedat playedat
    datetime dateadded dateupdated date day reviewdate eventdate orderdate purchasedate transactiondate ratingdate when
    invoicedate checkintime""",
    "reviewtime updatedat timestampupdated",
)
_FORMATS = (
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%m %d, %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%d %b %Y",
)
_NO_VALUE = ["", "\\n", "null", "none", "nan", "nat", "na", "n/a"]
_MOST = 0.9
_SAMPLED_BY_VALUE = ("s", "ms", ISO)


def plain(name: str) -> str:
    """A name without case and signs: `user_id`, `userId` and `User-ID` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def guess_column(option: str, tiers: tuple[str, ...], names: list[str], fits: Callable[[str], bool]) -> str:
    """The one column of a role; "" if there is none.

    Args:
        option: that names it, for messages.
        tiers: names that people use, the surest first; the first tier with a column decides.
        names: columns that are free.
        fits: whether the values of a column can be of the role.

    Raises:
        UsageError: two columns could be it.
    """
    for tier in tiers:
        usual = {plain(word) for word in tier.split()}
        found = [name for name in names if plain(name) in usual and fits(name)]
        if len(found) > 1:
            raise UsageError(f"--{option}: {' and '.join(found)} could be it; name one: --{option} {found[0]}")
        if found:
            return found[0]
    return ""


def named_column(option: str, name: str, names: tuple[str, ...], optional: bool) -> str:
    """A column that the user names; "" for `none`.

    Raises:
        UsageError: there is no such column, or the role needs one.
    """
    if name == NONE and optional and name not in names:
        return ""
    if name not in names:
        raise UsageError(f"--{option} {name}: no such column; there are {shown(names)}")
    return name


def present(values: pl.Series) -> pl.Series:
    """The values that are there: no null, no blank, none of the marks that exports write in place of a value.

    What a column is does not follow from the values that it lacks. Rows without one are refused later, each by itself.
    """
    values = values.drop_nulls()
    if values.dtype != pl.String:
        return values
    return values.filter(~values.str.strip_chars().str.to_lowercase().is_in(_NO_VALUE))


def is_rating(values: pl.Series) -> bool:
    """Whether nine of ten values are numbers, so that a damaged row does not hide what the others are."""
    if values.dtype.is_numeric():
        return True
    texts = present(values).cast(pl.String).str.strip_chars()
    return bool(len(texts)) and texts.cast(pl.Float64, strict=False).count() >= _MOST * len(texts)


def time_units(values: pl.Series) -> list[str]:
    """What nine of ten values of a column of times can count, for `--time-unit`; empty if it holds no times."""
    values = present(values)
    if isinstance(values.dtype, pl.Date | pl.Datetime):
        return [ISO]
    if values.dtype.is_nested() or values.dtype == pl.Boolean or not len(values):
        return []
    _, _, numbers, good = read_times(values, "s")
    if good.mean() >= _MOST:
        return _unit_of_numbers(numbers[good])
    texts = values.cast(pl.String)
    for patterns in ((ISO,), _FORMATS):
        found = [pattern for pattern in patterns if read_times(texts, pattern)[3].mean() >= _MOST]
        if found:
            return found
    return []


def _unit_of_numbers(numbers: np.ndarray) -> list[str]:
    middle = int(np.sort(numbers)[len(numbers) // 2])
    unit = unit_of(middle)
    if not EARLIEST * UNITS[unit] <= middle < LATEST * UNITS[unit]:
        return []
    return [short for short, long in UNIT_WORDS.items() if long == unit]


def guess_by_value(names: list[str], sample: pl.DataFrame) -> str:
    """The one column whose values are times whatever it is called; "" if there is none.

    Raises:
        UsageError: two columns could be it.
    """
    found = [name for name in names if set(time_units(sample[name])) & set(_SAMPLED_BY_VALUE)]
    if len(found) > 1:
        raise UsageError(f"--time: {' and '.join(found)} hold times; name one, or none: --time {found[0]}")
    return found[0] if found else ""


def guess_unit(name: str, values: pl.Series) -> str:
    """What the times of a column count.

    Raises:
        UsageError: two units are possible, or none is.
    """
    found = time_units(values)
    if len(found) == 1:
        return found[0]
    example = next(iter(present(values).cast(pl.String).to_list()), "")
    if found:
        raise UsageError(
            f"--time-unit: {name} {example!r} fits {' and '.join(map(repr, found))}; name one: --time-unit {found[0]!r}"
        )
    raise UsageError(
        f"--time {name}: {example!r} is neither a date nor seconds, ms, us or ns of our time; state what it is with "
        "--time-unit, such as '%d/%m/%Y %H:%M', or leave it out: --time none"
    )
