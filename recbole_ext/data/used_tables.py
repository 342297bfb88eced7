"""Which tables of users and items a run reads: those with a column that the model, a filter or a setting uses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recbole.utils import ModelType

from recbole_ext.data.atomic import read_header

_NAMING = (
    *("selected_features", "side_features", "numerical_features", "item_attribute", "val_interval"),
    *("normalize_field", "discretization", "preload_weight", "alias_of_user_id", "alias_of_item_id"),
)
"""Settings that name columns."""
_READ_ALL = (ModelType.CONTEXT, ModelType.DECISIONTREE)
_WHOLE_TABLES = ("ContextSeqEmbLayer", "user_feat", "item_feat", "get_user_feature", "get_item_feature")
"""Words in the source of a model that reads whole tables."""


def reads_table(config: Any, kind: str, path: str) -> bool:
    """Whether a run uses a column of `NAME.user` or `NAME.item`.

    Args:
        config: of the run.
        kind: `user` or `item`.
        path: of the file; one that does not exist is read by nobody.
    """
    if not Path(path).is_file():
        return False
    if config["MODEL_TYPE"] in _READ_ALL or _reads_whole_tables(config):
        return True
    id_field = config[f"{kind.upper()}_ID_FIELD"]
    header = read_header(Path(path), config["field_separator"], config["encoding"] or "utf-8")
    return bool({column.field for column in header if column.field != id_field} & set(_named(config)))


def _reads_whole_tables(config: Any) -> bool:
    source = config.entry.source.read_text(encoding="utf-8")
    return any(word in source for word in _WHOLE_TABLES)


def _named(config: Any) -> Iterator[str]:
    """Columns that some setting names."""
    for key in _NAMING:
        value = config[key]
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from (str(word) for pair in value.items() for word in pair if isinstance(word, str))
        else:
            yield from (str(word) for word in value or ())
