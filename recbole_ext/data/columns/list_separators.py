"""Whether a column of lists is separated by something else than `seq_separator`."""

from collections.abc import Iterable
from itertools import islice

_CANDIDATES = (", ", "; ", ",", ";", "|", " ")
_EXAMINED, _SHARE = 10_000, 0.1


def other_separator(field: str, texts: Iterable[str | None], separator: str) -> str:
    """A warning about lists that hold another separator more often than their own; "" where all is well.

    Text in sentences has blanks and some commas; it is the commoner mark that separates.

    Args:
        field: the column's name.
        texts: its cells; the first 10,000 are examined.
        separator: `seq_separator`.
    """
    cells = [text for text in islice(texts, _EXAMINED) if text]
    for other in _CANDIDATES:
        if other == separator or not cells:
            continue
        rows = sum(other in text for text in cells)
        own = sum(text.replace(other, "").count(separator) for text in cells)
        if rows >= _SHARE * len(cells) and sum(text.count(other) for text in cells) > own:
            return (
                f"{field}: {rows:,} of {len(cells):,} lists hold {other!r} and few hold {separator!r}, which separates "
                f"them now; if {other!r} does: --seq_separator='{other}'"
            )
    return ""
