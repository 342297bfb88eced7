"""The log of a server, on the terminal."""

import logging
import sys

from dataset_tools.visible import visible
from recbole_ext.redact import redact_text


class _Redacted(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact_text(visible(super().format(record)))


def log_to_terminal() -> None:
    """Write what the server and uvicorn log to standard error, without secrets; once, however often it is called."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacted("%(asctime)s %(message)s"))
    access = logging.StreamHandler(sys.stderr)  # every field of a line is safe, so that it costs little
    access.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    for name, its, level in (
        ("recbole_ext.serve", handler, logging.INFO),
        ("recbole_ext.serve.access", access, logging.INFO),
        ("uvicorn.error", handler, logging.ERROR),
        ("uvicorn.access", handler, logging.CRITICAL),
    ):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [its], False
        logger.setLevel(level)
