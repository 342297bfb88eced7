"""What a server was started with; written to the environment of worker processes, without secrets."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from recbole_ext.errors import UsageError

VARIABLE = "RECBOLE_EXT_SERVE"
"""The variable of the environment that holds the settings for `app.from_environment`."""

_MEANT = 'must hold settings as a JSON object, for instance {"run": "runs/NAME"}'
_PATHS = ("run", "state_dir", "token_file")
_OPTIONAL_PATH = (Path | None, "a path, or null for none")
_KINDS: dict[str, tuple[Any, str]] = {
    "run": (Path, "the path of a run"),
    "host": (str, "an address"),
    "state_dir": _OPTIONAL_PATH,
    "token_file": _OPTIONAL_PATH,
    "data_path": (str | None, "a path, or null for the recorded one"),
    "device": (str | None, "the name of a device, or null for that of the run"),
    "log_requests": (bool, "true or false"),
    "log_recommendations": (bool, "true or false"),
    "engine": (dict, "a mapping of settings"),
}
"""Types of the settings, and what they are; numbers have limits too."""


@dataclass(frozen=True)
class Limits:
    """What a client may ask for.

    Attributes:
        body: bytes of a request's body.
        k: items of an answer.
        history: events of a history.
        events: events, pairs or rows of a request.
        ids: items of `allow` and of `deny`.
        in_flight: requests that are answered at the same time.
        connections: open connections.
        seconds: for a client to send its headers, for its body, and for the answer; as long stay idle connections.
    """

    body: int = 256 * 1024
    k: int = 1000
    history: int = 1000
    events: int = 1000
    ids: int = 10_000
    in_flight: int = 256
    connections: int = 1000
    seconds: float = 10.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            _check(f"the limit {name}", value, whole=name != "seconds", least=1 if name != "seconds" else 0.01)


@dataclass(frozen=True)
class ServeSettings:
    """What is served, and how.

    Attributes:
        run: directory of the run, or a link to it.
        host, port: where the server listens; port 0 is any free one.
        state_dir: of the event log and the snapshots; None: events are kept in memory alone.
        token_file: a file with the token that clients must send; None: see `tokens.read_token`.
        workers: processes; more than one take no events.
        data_path, device: as for `Run`.
        log_requests: whether bodies of requests are logged.
        log_recommendations: whether lists and what users did afterwards are logged in the state directory.
        snapshot_events: events between two snapshots.
        keep_days: age at which parts of the log that a snapshot covers are deleted; None: never.
        limits: of requests.
        engine: settings of the live engine, see `EngineSettings`.
    """

    run: Path
    host: str = "127.0.0.1"
    port: int = 8000
    state_dir: Path | None = None
    token_file: Path | None = None
    workers: int = 1
    data_path: str | None = None
    device: str | None = None
    log_requests: bool = False
    snapshot_events: int = 100_000
    keep_days: float | None = None
    limits: Limits = field(default_factory=Limits)
    engine: dict[str, Any] = field(default_factory=dict)
    log_recommendations: bool = False

    def __post_init__(self) -> None:
        for name, (kinds, meaning) in _KINDS.items():
            if not isinstance(value := getattr(self, name), kinds):
                raise UsageError(f"{name} must be {meaning} (got {value!r})")
        _check("--port", self.port, least=0, most=65535)
        _check("--workers", self.workers)
        _check("--snapshot-events", self.snapshot_events)
        if self.keep_days is not None:
            _check("--keep-days", self.keep_days, whole=False, least=0)
        if self.log_recommendations and self.state_dir is None:
            raise UsageError("--log-recommendations writes to the state directory; name one with --state-dir=DIR")
        if self.workers > 1 and self.state_dir is not None:
            raise UsageError(
                f"--workers={self.workers} processes have a memory each and take no events; leave --state-dir out, or "
                "serve with one worker"
            )

    def to_environment(self) -> None:
        """Let the processes that this one starts find the settings."""
        os.environ[VARIABLE] = json.dumps(asdict(self), default=str)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ServeSettings":
        """The settings that `to_environment` wrote, or JSON with some of them, by their names.

        Raises:
            UsageError: there are none, one is unknown, or one has a value that is not allowed.
        """
        try:
            values = _known(json.loads(environment[VARIABLE]), cls, "settings")
            values["limits"] = Limits(**_known(values.get("limits", {}), Limits, "limits"))
        except (LookupError, ValueError, RecursionError) as error:
            reason = "it is not set" if isinstance(error, LookupError) else f"it is not JSON: {error}"
            raise UsageError(f"the variable {VARIABLE} {_MEANT} ({reason})") from None
        paths = {name: Path(of) for name in _PATHS if isinstance(of := values.get(name), str) and of}
        try:
            return cls(**{"run": None, **values, **paths})
        except UsageError as error:
            raise UsageError(f"the variable {VARIABLE}: {error}") from None


def _known(given: Any, kind: type[Any], what: str) -> dict[str, Any]:
    """Settings by name.

    Raises:
        UsageError: they are no mapping, or have an unknown name.
    """
    if not isinstance(given, dict):
        raise UsageError(f"the variable {VARIABLE} {_MEANT} ({what}: no object, but {given!r:.60})")
    names = [field.name for field in fields(kind)]
    unknown = [name for name in given if name not in names]
    if unknown:
        raise UsageError(f"the variable {VARIABLE}: no {what} {unknown[0]!r}; there are {', '.join(names)}")
    return dict(given)


def _check(name: str, value: Any, whole: bool = True, least: float = 1, most: float = 10**9) -> None:
    numbers = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, numbers) or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{name} must be {kind} from {least:g} to {most:,} (got {value!r})")
