"""Faults of the lines of a file, counted by kind."""

import numpy as np


class Faults:
    """Messages about one file: what, how many rows, and the first line."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._errors: dict[str, list[int]] = {}
        self._warnings: dict[str, list[int]] = {}

    def error(self, fault: str, lines: np.ndarray) -> None:
        """Count lines with an error."""
        _count(self._errors, fault, lines)

    def warning(self, fault: str, lines: np.ndarray) -> None:
        """Count lines with a warning."""
        _count(self._warnings, fault, lines)

    @property
    def errors(self) -> list[str]:
        """One message per kind of error."""
        return self._told(self._errors)

    @property
    def warnings(self) -> list[str]:
        """One message per kind of warning."""
        return self._told(self._warnings)

    def _told(self, faults: dict[str, list[int]]) -> list[str]:
        return [f"{self.file}: {count:,} {fault} (first: line {line})" for fault, (count, line) in faults.items()]


def _count(faults: dict[str, list[int]], fault: str, lines: np.ndarray) -> None:
    if len(lines):
        faults.setdefault(fault, [0, int(lines[0])])[0] += len(lines)
