"""Columns that settings name must be loaded and of the right type; checked before anything else reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

from recbole.utils import FeatureType

from recbole_ext.errors import DataError, nearest

_NUMBERS = (FeatureType.FLOAT, FeatureType.FLOAT_SEQ)
NAMING_KEYS: dict[str, tuple[FeatureType, ...]] = {
    "val_interval": (FeatureType.FLOAT, FeatureType.TOKEN),
    "threshold": (FeatureType.FLOAT,),
    "normalize_field": _NUMBERS,
    "numerical_features": _NUMBERS,
    "discretization": _NUMBERS,
}
"""Settings whose entries are columns of the data, with the types that such a column can have."""


class NamedFields:
    """Mixin before a data set class of RecBole: checks the columns that settings name as soon as they are loaded."""

    config: Any
    field2type: dict[str, FeatureType]

    def _data_processing(self) -> None:
        check_named_fields(self.config, self.field2type)
        super()._data_processing()  # type: ignore[misc]


def check_named_fields(config: Any, loaded: Mapping[str, FeatureType]) -> None:
    """Require that every column a setting names is loaded, and has a type that goes with the setting.

    Args:
        config: of the run.
        loaded: column name -> type.

    Raises:
        DataError: with one line per fault, and the loaded columns.
    """
    faults = [fault for key in NAMING_KEYS for fault in _faults(key, config[key] or (), loaded)]
    if faults:
        columns = ", ".join(f"{field} ({ftype.value})" for field, ftype in loaded.items())
        raise DataError(
            "\n".join([*(f"{config['dataset']}: {fault}" for fault in faults), f"loaded columns: {columns}"])
        )


def _faults(key: str, named: Any, loaded: Mapping[str, FeatureType]) -> Iterator[str]:
    for field in map(str, named):
        allowed = NAMING_KEYS[key]
        if field not in loaded:
            yield f"{key} names {field!r}, which is no loaded column (see load_col){nearest(field, loaded)}"
        elif loaded[field] not in allowed:
            types = " or ".join(ftype.value for ftype in allowed)
            yield f"{key} is for {types} columns, and {field} is of type {loaded[field].value}"
