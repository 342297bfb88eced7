"""The columns that rating models read besides users and items: ratings, times where they are there, side features."""

from recbole_ext.data.columns.headers import ITEM, USER
from recbole_ext.data.columns.task_columns import NamedColumns, TaskColumns

RATING_COLUMNS = TaskColumns(
    named=(
        NamedColumns("rating", "RATING_FIELD", ("float",)),
        NamedColumns("feature", "side_features", ("token", "token_seq"), (USER, ITEM), only_changed=True),
    ),
    reads_time=True,
    labels=False,
)
