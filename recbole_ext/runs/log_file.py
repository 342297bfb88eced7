"""`log.txt` of a run, without colours, secrets and paths; a full disk ends the run as it does at every other file."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dataset_tools.visible import visible
from recbole_ext.errors import ResourceError
from recbole_ext.machine_paths import without_machine_paths
from recbole_ext.redact import redact_text

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def log_file(path: Path) -> Iterator[logging.Handler]:
    """A handler that appends to a file.

    Raises:
        ResourceError: the disk refuses the file, a line of it, or its end.
    """
    try:
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise _refused(path, error) from None
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(message)s"))
    try:
        yield handler
    except BaseException:
        with suppress(OSError):  # the error that is on its way says more
            handler.close()
        raise
    try:
        handler.close()
    except OSError as error:
        raise _refused(path, error) from None


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            raise _refused(Path(self.baseFilename), error) from None
        super().handleError(record)


class _Plain(logging.Formatter):
    """RecBole colours its messages; a file wants none of it, and nothing that a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        return str(without_machine_paths(redact_text(visible(_COLOUR.sub("", super().format(record))))))


def _refused(path: Path, error: OSError) -> ResourceError:
    return ResourceError(f"cannot write {path}: {error.strerror}; free some space or choose another --runs_dir")
