"""What could not be answered, a sentence per line of what was asked."""

from recbole_ext.errors import DataError

_SHOWN = 3


class Skipped:
    """Collects what is left out.

    Args:
        kind: what is asked about, in the plural.

    Attributes:
        sentences: one per line that is left out.
    """

    def __init__(self, kind: str) -> None:
        self.kind, self.sentences = kind, list[str]()

    def add(self, line: int | None, reason: str, source: str = "") -> None:
        """Leave something out.

        Args:
            line: its number in what was given, from 1; None where it has none.
            reason: names the value.
            source: the file of the line; "" for what is no file.
        """
        place = "" if line is None else f"{source}:{line}: " if source else f"line {line}: "
        self.sentences.append(f"{place}{reason}")

    def settle(self, left: int) -> None:
        """Refuse to answer about nothing.

        Args:
            left: how many can be answered.

        Raises:
            DataError: none can.
        """
        if not left:
            reasons = "; ".join(self.sentences[:_SHOWN]) or f"no {self.kind} are given"
            more = f"; and {len(self.sentences) - _SHOWN:,} more" if len(self.sentences) > _SHOWN else ""
            raise DataError(f"none of the {self.kind} can be used: {reasons}{more}")
