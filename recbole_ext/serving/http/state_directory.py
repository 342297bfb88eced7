"""The directory in which a server keeps what users did: a log of all events, and snapshots that shorten its replay.

    .lock          held by one server
    events-*.log   see `EventLog`
    runs.json      which weights were served when events were taken: [[first event, hash], ...]
    snapshots/N-WEIGHTS/    the engine's state after event N, by the first digits of the weights' hash

Snapshots of other weights are passed over: a newer run is brought up from the log. Of what earlier runs took, it is
given the events that are newer than all of its own data, which is taken to have the others.
"""

import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from recbole_ext.errors import DataError, ResourceError, UsageError
from recbole_ext.files import hold, write_atomically
from recbole_ext.serving.http.event_log import EventLog
from recbole_ext.serving.live.messages import Engine, Event

_KEPT = 2
_DAY = 86400


@dataclass(frozen=True)
class Follower:
    """An engine, and of which run it is.

    Attributes:
        engine: as the run is opened.
        weights: hash of the run's weights, hexadecimal.
        newest: the newest time in the run's data, in seconds; None where they have no times.
    """

    engine: Engine
    weights: str
    newest: int | None


class StateDirectory:
    """Event log and snapshots, held by this process.

    Args:
        path: made where it is missing, for the eyes of its owner alone.

    Attributes:
        log: the events.
        covered: number of the last event that the newest snapshot has.

    Raises:
        ResourceError: another server holds it, or the disk refuses.
        DataError: the log is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._snapshots = path, path / "snapshots"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._snapshots.mkdir(mode=0o700, exist_ok=True)
            self._lock = hold(path, f"--state-dir={path} is held by a server that is running; give each one its own")
            self.log = EventLog(path)
        except OSError as error:
            raise ResourceError(f"cannot use --state-dir={path}: {error.strerror}") from None
        self.covered, self._takers = 0, self._read_takers()

    def _read_takers(self) -> list[tuple[int, str]]:
        file = self.path / "runs.json"
        try:
            return [(int(first), str(weights)) for first, weights in json.loads(file.read_text())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError):
            raise DataError(f"cannot read {file}: it is damaged; restore it from a copy") from None

    def serve(self, weights: str) -> None:
        """From the next event on, these weights are served.

        Raises:
            ResourceError: it cannot be written.
        """
        if not self._takers or self._takers[-1][1] != weights:
            takers = [*self._takers, (self.log.last + 1, weights)]
            write_atomically(self.path / "runs.json", json.dumps(takers).encode(), private=True)
            self._takers = takers

    def load(self, follower: Follower) -> tuple[int, list[str]]:
        """Bring a new engine to the newest event: the newest snapshot of its weights, and what the log has after it.

        Args:
            follower: the engine as a run is opened.

        Returns:
            The number of that event, and a sentence for each thing that an operator should know.

        Raises:
            DataError: events are missing.
        """
        notes = [f"dropped {self.log.dropped} bytes of a batch that was never acknowledged"] if self.log.dropped else []
        self.log.dropped, newest = 0, self.log.last
        position, refused = self._restored(follower.engine)
        notes += refused
        if position is None and self.log.first > 1:
            notes.append(f"the log begins with event {self.log.first}; earlier ones have to be in the data of the run")
        counts = self.replay(follower, position or 0, newest)
        notes.append(
            f"replayed {sum(counts.values()):,} events after "
            + (f"the snapshot of event {position:,}" if position is not None else "the data of the run")
            + "".join(f", {count:,} {kind}" for kind, count in sorted(counts.items()) if kind != "applied")
        )
        return newest, notes

    def _restored(self, engine: Engine) -> tuple[int | None, list[str]]:
        refused = []
        for snapshot in reversed(self._numbered()):
            try:
                extra = engine.restore(snapshot)
            except UsageError as error:
                refused.append(f"snapshot {snapshot.name} is not used: {error}")
                continue
            if extra is not None:
                self.covered = self._within_log(int(extra["events"]))
                return self.covered, refused
        return None, refused

    def _within_log(self, position: int) -> int:
        if not self.log.first - 1 <= position <= self.log.last:
            raise DataError(
                f"{self.path}: the newest snapshot has the events up to {position}, and the log those from "
                f"{self.log.first} to {self.log.last}; files of the log are missing, restore them from a copy"
            )
        return position

    def replay(self, follower: Follower, after: int, until: int | None = None) -> Counter[str]:
        """Apply the events after one number and up to another; returns how many had which outcome."""
        counts: Counter[str] = Counter()
        for number, event in self.log.read(after, until):
            if self._was_taken_by_another(number, follower):
                if _is_in_data(event, follower):
                    follower.engine.remember(event.event_id)
                    counts["in the run's data"] += 1
                    continue
                event = _read_of(event, follower.engine.value_names)
            try:
                counts[follower.engine.update(event)] += 1
            except UsageError:
                counts["refused"] += 1
        return counts

    def _was_taken_by_another(self, number: int, follower: Follower) -> bool:
        """Whether an event came while other weights were served."""
        taker = next((weights for first, weights in reversed(self._takers) if first <= number), follower.weights)
        return taker != follower.weights

    def snapshot(self, follower: Follower, keep_days: float | None) -> None:
        """Save an engine that has all events of the log, and begin a new file of the log.

        Args:
            follower: to whose engine no event is applied meanwhile.
            keep_days: see `ServeSettings`.

        Raises:
            RecBoleExtError, OSError: it cannot be written; what there was is still good.
        """
        position = self.log.last
        name = f"{position:020d}-{follower.weights[:12]}"
        follower.engine.save(self._snapshots / name, {"events": position})
        self.covered = position
        self.log.rotate()
        for old in self._numbered()[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        if keep_days is not None:
            self.log.forget(_number(self._numbered()[0]), time.time() - keep_days * _DAY)

    def _numbered(self) -> list[Path]:
        """Snapshots, oldest first."""
        return sorted(path for path in self._snapshots.iterdir() if path.name.partition("-")[0].isdigit())

    def close(self) -> None:
        """Let another server have the directory."""
        self.log.close()
        self._lock.release()


def _is_in_data(event: Event, follower: Follower) -> bool:
    """Whether the run's data reach beyond the time of an event that an earlier run took."""
    return follower.newest is not None and event.time is not None and event.time <= follower.newest


def _read_of(event: Event, names: tuple[str, ...]) -> Event:
    """An event with those values alone that a run reads."""
    return replace(event, values={name: value for name, value in event.values.items() if name in names})


def _number(snapshot: Path) -> int:
    return int(snapshot.name.partition("-")[0])
