"""The message on a tuning: how it ended. Its trials send none."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from recbole_ext.redact import redact_text
from recbole_ext.training.tracking.notify import Notifier, notifier


@contextmanager
def notified(config: Any, subject: str) -> Iterator[dict[str, Any]]:
    """Send how the block ended, if `notify` asks for it; yields the facts of a good end, to be filled in.

    A message that cannot be sent is reported on the console, and changes nothing.

    Args:
        config: of the runs, with `notify`, `notify_file` and `notify_hosts`.
        subject: what the message is about.

    Raises:
        UsageError: the address is missing or not allowed.
    """
    there = notifier(config["notify"], config["notify_file"], config["notify_hosts"], subject)
    facts: dict[str, Any] = {}
    try:
        yield facts
    except BaseException as error:
        by_signal = isinstance(error, KeyboardInterrupt) or getattr(error, "exit_code", 0) > 128
        _send(there, "interrupted" if by_signal else "failed", {"text": str(error) or type(error).__name__})
        raise
    _send(there, "finished", facts)


def _send(there: Notifier | None, kind: str, facts: dict[str, Any]) -> None:
    if there is None:
        return
    try:
        there.event(kind, facts)
    except OSError as error:
        print(f"warning: the message '{kind}' was not sent: {redact_text(str(error))}", file=sys.stderr)
