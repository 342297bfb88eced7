"""Values of events beside item and time, by the names of the data's columns: a kind of action, a rating."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from recbole.utils import FeatureType

from recbole_ext.errors import UsageError, nearest
from recbole_ext.model.sequence.causal import CausalRecommender
from recbole_ext.serving.histories import has_events, unknown_value
from recbole_ext.serving.load import LoadedRun

Array = np.ndarray[Any, Any]
Values = Mapping[str, str | float | None]


class ValueFields:
    """The columns of events that the model of a run reads besides user, item and time.

    Args:
        run: opened, of a model that ranks items.

    Attributes:
        names: of the columns, F of them.
        unknown: (F,) float64, the value of each where it is not known.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.names = value_names(run)
        self.unknown = np.array([unknown_value(run, name) for name in self.names], dtype=np.float64)
        self._run = run

    def of_run(self) -> Array:
        """(n, F) float64: the values of the run's own events, in their order."""
        columns = [self._run.train.events[name].numpy().astype(np.float64) for name in self.names]
        return np.stack(columns, 1) if columns else np.zeros((len(self._run.train.events), 0))

    def read(self, values: Values, what: str) -> Array:
        """(F,) float64: ids of tokens, and numbers; what is missing, None, or an unknown token is unknown.

        Args:
            values: by name.
            what: they are of, for errors.

        Raises:
            UsageError: no mapping, a name that the model does not read, or a token or number that is none.
        """
        if not isinstance(values, Mapping):
            raise UsageError(f"values of the {what} must be a mapping of columns (got {values!r:.60})")
        row = self.unknown.copy()
        for name, value in values.items():
            if name not in self.names:
                raise UsageError(
                    f"the {what} has a value of {name!r}{nearest(str(name), self.names)}, which the model of this run "
                    f"does not read; it reads {', '.join(self.names) or 'user, item and time alone'}"
                )
            if value is not None:
                row[self.names.index(name)] = self._number(name, value, what)
        return row

    def _number(self, name: str, value: Any, what: str) -> float:
        train, place = self._run.train, self.names.index(name)
        if train.field2type[name] is FeatureType.TOKEN:
            if not isinstance(value, str):
                raise UsageError(f"{name} of the {what} must be a text, as in the data (got {value!r})")
            return float(train.field2token_id[name].get(value, self.unknown[place]))
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not _is_finite(value):
            raise UsageError(f"{name} of the {what} must be a finite number (got {value!r:.60})")
        return float(value)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the largest float
        return False


def value_names(run: LoadedRun) -> tuple[str, ...]:
    """The columns of `ValueFields`: of our models those that keys name; of others all with one value of an event."""
    if not has_events(run):
        return ()
    train, config = run.train, run.config
    if isinstance(run.model, CausalRecommender):
        return tuple(name for name in dict.fromkeys([*(config["event_fields"] or ()), config["history_field"]]) if name)
    ids = (train.uid_field, train.iid_field, train.time_field)
    return tuple(name for name, column in train.events.columns.items() if column.dim() == 1 and name not in ids)
