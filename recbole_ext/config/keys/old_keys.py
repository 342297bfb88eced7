"""Settings of earlier RecBoles (0.1 to 1.0) and common abbreviations: what to write instead."""

from typing import Any

_RENAMED: dict[str, str] = {
    "eval_setting": "eval_args: {{split: {{RS: [0.8, 0.1, 0.1]}}, order: RO, group_by: user, mode: full}}",
    "split_ratio": "eval_args: {{split: {{RS: {value}}}}}",
    "leave_one_num": "eval_args: {{split: {{LS: valid_and_test}}, order: TO}}",
    "group_by_user": "eval_args: {{group_by: user}}, or group_by: none",
    "real_time_process": "nothing: rows are made while training in any case",
    "neg_sampling": "train_neg_sample_args: {{distribution: uniform, sample_num: 1}}",
    "training_neg_sample_num": "train_neg_sample_args: {{distribution: uniform, sample_num: {value}}}",
    "training_neg_sample_distribution": "train_neg_sample_args: {{distribution: {value}, sample_num: 1}}",
    "min_user_inter_num": "user_inter_num_interval: '[{value},inf)'",
    "max_user_inter_num": "user_inter_num_interval: '[0,{value}]'",
    "min_item_inter_num": "item_inter_num_interval: '[{value},inf)'",
    "max_item_inter_num": "item_inter_num_interval: '[0,{value}]'",
    "lowest_val": "val_interval: {by_column:[#,inf)}",
    "highest_val": "val_interval: {by_column:(-inf,#]}",
    "equal_val": "val_interval: {by_column:[#,#]}",
    "not_equal_val": "val_interval: {by_column:(-inf,#);(#,inf)}",
    "drop_filter_field": "unused_col: {{inter: [COLUMN]}} for columns that are loaded to filter by alone",
    "drop_preload_weight": "unused_col: {{SUFFIX: [COLUMN]}} for columns that are loaded as vectors alone",
    "fields_in_same_space": "alias_of_item_id: [COLUMN], alias_of_user_id or alias_of_entity_id",
    "nproc": "nothing; start with: torchrun --nproc_per_node={value} run_recbole_ext.py ...",
    "world_size": "nothing; start with: torchrun --nproc_per_node={value} run_recbole_ext.py ...",
    **dict.fromkeys(
        ("ip", "port", "group_offset", "offset", "local_rank"), "nothing; torchrun hands over what processes need"
    ),
    "lr": "learning_rate: {value}",
    "batch_size": "train_batch_size: {value}, eval_batch_size",
    **dict.fromkeys(("max_len", "max_seq_length", "max_length"), "MAX_ITEM_LIST_LENGTH: {value}"),
    **dict.fromkeys(("num_epochs", "n_epochs", "max_epochs"), "epochs: {value}"),
    **dict.fromkeys(("num_workers", "n_workers"), "worker: {value}"),
    **dict.fromkeys(("patience", "early_stop", "early_stopping"), "stopping_step: {value}"),
    "optimizer": "learner: {value}",
}
"""Earlier or foreign name -> a format string; `{value}` is what was given, `{by_column:F}` an F for each column."""


class _ByColumn:
    """Formats an interval for each column of a mapping: `{rating: 4}` with `[#,inf)` is `{rating: '[4,inf)'}`."""

    def __init__(self, value: Any) -> None:
        self.columns = value if isinstance(value, dict) else {"COLUMN": value}

    def __format__(self, form: str) -> str:
        pairs = (f"{name}: '{form.replace('#', str(least))}'" for name, least in self.columns.items())
        return f"{{{', '.join(pairs)}}}"


def replacement(key: str, value: Any) -> str | None:
    """What to write instead of a key of an earlier RecBole; None for a key that never was one."""
    form = _RENAMED.get(key)
    return None if form is None else form.format(value=value, by_column=_ByColumn(value))
