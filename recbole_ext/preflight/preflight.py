"""`preflight`: a line for each check before a run, the exit code of the first that fails, nothing left behind."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_tools.files.replace import temporary_folder
from recbole_ext.errors import ResourceError, reported, unwrapped
from recbole_ext.preflight.doctor import broken
from recbole_ext.preflight.packages import examined
from recbole_ext.redact import redact_text

if TYPE_CHECKING:
    from recbole_ext.config.config import Config

_WIDTH = 15


class Checks:
    """The checks that have been made, each printed when it ends.

    Args:
        say: prints a line.

    Attributes:
        code: exit code of the first that failed; 0 for none.
        open: whether the next one can be made; what all others need may have failed.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.code, self.open = say, 0, True

    def check(self, name: str, part: Callable[[], list[str]], is_needed: bool) -> None:
        """Make one.

        Args:
            name: of the line.
            part: see `flight.Part`.
            is_needed: whether no later one can be made without it.

        Raises:
            Exception: a bug in recbole_ext, after its line; also KeyboardInterrupt.
        """
        if not self.open:
            self.say(f"-       {name:<{_WIDTH}}not checked")
            return
        started = time.perf_counter()
        try:
            first, *more = part()
        except Exception as error:
            known = reported(unwrapped(error))
            self.say(f"FAILED  {name:<{_WIDTH}}{_indented(str(known) if known else type(error).__name__)}")
            if known is None:
                raise
            self.code, self.open = self.code or known.exit_code, not is_needed
            return
        self.say(f"ok      {name:<{_WIDTH}}{_indented(first)} ({time.perf_counter() - started:.1f} s)")
        for line in more:
            self.say(f"        {'':<{_WIDTH}}{_indented(line)}")


def _indented(text: str) -> str:
    return redact_text(text).replace("\n", "\n" + " " * (8 + _WIDTH))


def preflight(configure: Callable[[], "Config"], command: list[str], say: Callable[[str], None]) -> int:
    """Make all checks.

    Args:
        configure: makes the configuration of the run.
        command: what was typed.
        say: prints a line.

    Returns:
        0; the exit code of the first check that failed.
    """
    checks, made = Checks(say), list["Config"]()

    def configuration() -> list[str]:
        made.append(configure())
        config = made[0]
        return [f"{config.model} on {config.dataset}, on {config['device']}"]

    checks.check("installation", installation, is_needed=False)
    checks.check("configuration", configuration, is_needed=True)
    if made:
        _fly(made[0], command, checks)
    say("no problems found" if not checks.code else f"problems found: exit code {checks.code}")
    return checks.code


def _fly(config: "Config", command: list[str], checks: Checks) -> None:
    from recbole_ext.devices import process_group
    from recbole_ext.model_entry import missing_library
    from recbole_ext.preflight.flight import Flight
    from recbole_ext.training.signals import Signals

    signals = Signals()
    with process_group(config.placement), folder_beside(Path(config["runs_dir"])) as folder, signals.heard():
        flight = Flight(config, folder, command, signals)
        try:
            for name, (part, is_needed) in flight.parts().items():
                signals.raise_if_received()
                checks.check(name, _with_library(config.model, part, missing_library), is_needed)
            for note in flight.notes():
                checks.say(note)
        finally:
            flight.close()


def _with_library(
    model: str, part: Callable[[], list[str]], refusal: Callable[[str, ModuleNotFoundError], Exception]
) -> Callable[[], list[str]]:
    """A part whose missing library is reported by what installs it."""

    def checked() -> list[str]:
        try:
            return part()
        except ModuleNotFoundError as error:
            raise refusal(model, error) from None

    return checked


def installation() -> list[str]:
    """The required packages.

    Raises:
        ResourceError: one is missing, or in a version that does not work.
    """
    wrong = broken()
    if wrong:
        raise ResourceError("\n".join(package.line() for package in wrong))
    return [f"{len(examined())} required packages, all in their ranges; optional ones and devices: recbole-ext doctor"]


@contextmanager
def folder_beside(runs: Path) -> Iterator[Path]:
    """A folder on the disk of the runs, removed at the end; the folder of the runs is not made.

    Raises:
        ResourceError: nothing can be written there.
    """
    place = runs.absolute()
    while not place.is_dir():
        place = place.parent
    try:
        with temporary_folder(place, ".preflight-") as folder:
            yield folder
    except PermissionError as error:
        raise ResourceError(f"cannot write in {place}: {error.strerror}; choose another --runs_dir") from None
