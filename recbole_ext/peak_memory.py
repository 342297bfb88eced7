"""The most memory that a process has held."""

import resource
import sys


def in_bytes(reported: int) -> int:
    """A `ru_maxrss` in bytes: macOS counts bytes, Linux kibibytes."""
    return reported if sys.platform == "darwin" else reported * 1024


def peak_memory_bytes() -> int:
    """Peak resident memory of this process so far, in bytes."""
    return in_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
