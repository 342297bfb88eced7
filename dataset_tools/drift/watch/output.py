"""The file to which the lines of a watch go, each once."""

import os
from pathlib import Path

from dataset_tools.errors import ResourceError, UsageError


def shorten(output: Path, size: int) -> None:
    """Drop what was written to the output and not recorded, because the watch was killed in between.

    Raises:
        UsageError: the output is not the one that the state belongs to.
    """
    there = output.stat().st_size if output.exists() else 0
    if there < size or (there and not size and not output.read_bytes().startswith(b'{"window": 1,')):
        raise UsageError(f"--output={output}: it is not what this state belongs to; name another file")
    if there > size:
        os.truncate(output, size)


def append(output: Path, text: str) -> int:
    """Append a line and wait until it is on the disk; returns its bytes."""
    content = text.encode() + b"\n"
    try:
        with open(output, "ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ResourceError(f"cannot write --output={output}: {error.strerror}") from None
    return len(content)
