"""How the moments of windows are shown: days, and with the time of day where windows are shorter than a day."""

from datetime import datetime, timedelta


def shown_moment(moment: str, start: str, end: str) -> str:
    """A moment in ISO 8601 for a person.

    Args:
        moment: to show.
        start, end: of the window that it belongs to.
    """
    first, last = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (start, end))
    return moment[:16].replace("T", " ") if last - first < timedelta(days=1) else moment[:10]
