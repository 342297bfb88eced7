"""Which column is the user, the item, the rating and the time: from names and from values."""

import re
from collections.abc import Callable

import polars as pl

from dataset_tools.convert.table.layout import NONE
from dataset_tools.convert.table.reading.source import shown
from dataset_tools.convert.table.values import as_text
from dataset_tools.errors import UsageError

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
_NO_VALUE = ["", "\\n", "null", "none", "nan", "nat", "na", "n/a"]
MOST = 0.9


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
    Of a type that is neither text nor numbers nor dates, such as lists or bytes, there is none.
    """
    values = as_text(values.drop_nulls())
    if not (values.dtype.is_numeric() or isinstance(values.dtype, pl.String | pl.Date | pl.Datetime)):
        return pl.Series(values.name, [], pl.String)
    if values.dtype != pl.String:
        return values
    return values.filter(~values.str.strip_chars().str.to_lowercase().is_in(_NO_VALUE))


def is_rating(values: pl.Series) -> bool:
    """Whether nine of ten values are numbers, so that a damaged row does not hide what the others are."""
    if values.dtype.is_numeric():
        return True
    texts = present(values).cast(pl.String).str.strip_chars()
    return bool(len(texts)) and texts.cast(pl.Float64, strict=False).count() >= MOST * len(texts)
