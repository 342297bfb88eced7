"""The columns that click models read besides users and items: times, behaviours, every context column, histories."""

from recbole_ext.data.columns.task_columns import NamedColumns, Need, TaskColumns

BEHAVIOURS, AGES = "behavior_list", "age_list"

CLICK_COLUMNS = TaskColumns(
    named=(NamedColumns("behaviour", "behaviour_field", ("token", "float")),),
    needs_time=True,
    of_tables=("token", "token_seq", "float"),
    lists=True,
    beside_lists=(
        Need("history", BEHAVIOURS, "behaviours of the history", ("token_seq",), required=False),
        Need("history", AGES, "ages of the history", ("float_seq",), required=False),
    ),
)
