"""The net around reading data and building a model: what RecBole cannot compute with is an error of the settings.

An error inside RecBole is reported with the settings of the user that the failing code reads. Where there are none, and
for every error inside this package, the traceback stays: that is a bug.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from recbole_ext.config.config import Config
from recbole_ext.config.keys.known_keys import keys_read_by, keys_read_in
from recbole_ext.errors import RecBoleExtError, UsageError, is_out_of_memory
from recbole_ext.refusals import files_of_recbole, raised_in_recbole, reason

_MOST_SHOWN = 6
_OF_PLACES = ("data_path", "runs_dir", "device", "load_col", "show_progress", "checkpoint_dir")
"""Keys that hardly a run leaves as they are, and no code computes with."""


@contextmanager
def settings_net(config: Config, what: str) -> Iterator[None]:
    """Report errors inside RecBole by the settings that it reads.

    Args:
        config: of the run.
        what: is done inside: `reading the data`, `building the model`.

    Raises:
        UsageError: RecBole failed at a setting of the user.
    """
    try:
        yield
    except RecBoleExtError:
        raise
    except Exception as error:
        refused = None if is_out_of_memory(error) else refused_settings(config, error, what)
        if refused is None:
            raise
        raise refused from error


def refused_settings(config: Config, error: Exception, what: str) -> UsageError | None:
    """The error of the settings; None where it is none, or where the user set nothing that the failing code reads."""
    if not raised_in_recbole(error):
        return None
    read = keys_read_in(config.entry.source_text).union(*map(keys_read_by, files_of_recbole(error)))
    named = sorted((config.changed & read) - set(_OF_PLACES), key=lambda key: (key not in str(error), key))
    if not named:
        return None
    given = ", ".join(f"{key}={config[key]!r} ({config.origins.get(key, 'set')})" for key in named[:_MOST_SHOWN])
    return UsageError(
        f"RecBole fails at these settings while {what} ({config.model}): {reason(error)[:400]}\n"
        f"it reads {given}{' and more' if len(named) > _MOST_SHOWN else ''}\n"
        "change one of them, or leave it out for its default; --debug prints where RecBole failed"
    )
