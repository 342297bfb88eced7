"""How an attempt ended: by its exception, or, where the process died, by the records in its run's directory."""

import signal
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from recbole_ext.errors import unwrapped
from recbole_ext.experiments.attempts import (
    CRASHED,
    FINISHED,
    INTERRUPTED,
    STOPPED,
    WITHOUT_A_WORD,
    Attempt,
    hours_between,
    now,
)
from recbole_ext.runs.run_files import if_sound, read_events


def ended(attempt: Attempt, run: Path | None, error: BaseException | None) -> Attempt:
    """An attempt that has just ended.

    Args:
        attempt: still running.
        run: its directory.
        error: what it raised; None for a result.
    """
    moment = now()
    known = replace(attempt, run=run.name if run else "", ended=moment, hours=hours_between(attempt.started, moment))
    if error is None:
        return replace(known, state=FINISHED)
    error = unwrapped(error)
    first = (str(error) or type(error).__name__).splitlines()[0]
    code = 130 if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", None)
    if code == 128 + signal.SIGTERM:
        return replace(known, state=STOPPED, cause="stopped by SIGTERM; its state is saved")
    if code == 128 + signal.SIGINT:
        return replace(known, state=INTERRUPTED, cause="interrupted by Ctrl-C")
    return replace(known, state=CRASHED, cause=first if code else f"{type(error).__name__}: {first}")


def ending_of(attempt: Attempt, run: Path | None) -> Attempt:
    """The end of an attempt whose process is gone.

    Args:
        attempt: the start.
        run: the newest run directory of its seed; None where there is none.
    """
    events = [event for event in _events(run) if event["time"] >= attempt.started] if run else []
    if run is None or not events:
        return replace(attempt, ended=attempt.started, state=CRASHED, cause=WITHOUT_A_WORD)
    last = next((event for event in reversed(events) if event["event"] != "warning"), events[-1])
    moment = _whole_second(last["time"])
    known = replace(attempt, run=run.name, ended=moment, hours=hours_between(attempt.started, moment))
    if (run / "result.json").is_file():
        return replace(known, state=FINISHED)
    if (run / "hang.txt").is_file() and (run / "hang.txt").stat().st_mtime >= _seconds(attempt.started):
        return replace(known, state=CRASHED, cause="a hang: no progress; hang.txt has the stack of every thread")
    if last["event"] in ("failed", "interrupted"):
        state = CRASHED if last["event"] == "failed" else INTERRUPTED
        return replace(known, state=state, cause=str(last.get("text") or last["event"]).splitlines()[0])
    sign = f"epoch {last['epoch']}" if "epoch" in last else last["event"]
    return replace(known, state=CRASHED, cause=f"{WITHOUT_A_WORD}; its last event was {sign} at {moment}")


def _events(run: Path) -> list[dict[str, Any]]:
    """The events of a run; none where their file is damaged, which says nothing of the run."""
    events = if_sound(read_events, run, []) or []
    return [{**event, "time": _plain(event["time"])} for event in events if "time" in event]


def _plain(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(timezone.utc).isoformat(timespec="milliseconds")


def _whole_second(moment: str) -> str:
    return datetime.fromisoformat(moment).isoformat(timespec="seconds")


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
