"""The declared form of every setting that is a mapping, a list or an interval, for all models."""

from typing import Any

from recbole_ext.config.keys.eval_args import EVAL_ARGS
from recbole_ext.config.keys.intervals import interval_fault
from recbole_ext.config.keys.replay import REPLAY
from recbole_ext.config.keys.schema import (
    ByColumn,
    Entries,
    Kind,
    Single,
    boolean,
    integer,
    integers,
    names,
    number,
    one_of,
)
from recbole_ext.errors import nearest

DISTRIBUTIONS = ("uniform", "popularity", "none")


def _kept_values(value: Any) -> str | None:
    """Intervals of a number, or the tokens to keep."""
    if not isinstance(value, list) or not value:
        return interval_fault(value)
    wrong = [token for token in value if isinstance(token, bool) or not isinstance(token, str | int | float)]
    return f"must list values as texts, such as the file has them (got {wrong[0]!r})" if wrong else None


def _columns_of_file(value: Any) -> str | None:
    """Names of columns, or `*` for all of a file."""
    return None if value in ("*", None) else names(value)


def _sample_num(value: Any) -> str | None:
    return None if value in (None, "none") else integer(1)(value)


def _alpha(value: Any) -> str | None:
    return None if value in (None, "none") else number(0)(value)


def _distribution(value: Any) -> str | None:
    return None if value is None else one_of(*DISTRIBUTIONS)(value)


def _discretization(value: Any) -> str | None:
    """How one column becomes buckets: of equal width with their number, or logarithmic."""
    kinds: dict[str, Kind] = {"method": one_of("ED", "LD"), "bucket": integer(1)}
    needed = ("method", "bucket") if isinstance(value, dict) and value.get("method") == "ED" else ("method",)
    faults = Entries(kinds, needed).faults("an entry", value)
    return f"is wrong: {'; '.join(faults)}" if faults else None


def _name(value: Any) -> str | None:
    return None if isinstance(value, str) and value else f"must be the name of a column (got {value!r})"


def _names_or_one(value: Any) -> str | None:
    return None if isinstance(value, str) and value else names(value)


NEGATIVES = Entries(
    {
        "distribution": _distribution,
        "sample_num": _sample_num,
        "alpha": _alpha,
        "dynamic": boolean,
        "candidate_num": integer(0),
    },
    renamed={name: f"{{{{distribution: {name}, sample_num: {{}}}}}}" for name in DISTRIBUTIONS[:2]},
)
FILES = ("inter", "user", "item", "kg", "link", "net")
"""Suffixes of a data set's files that every data set class knows."""
DECLARED: dict[str, Entries | ByColumn | Single] = {
    "eval_args": EVAL_ARGS,
    "train_neg_sample_args": NEGATIVES,
    "clip_grad_norm": Entries(
        {"max_norm": number(0), "norm_type": number(0), "error_if_nonfinite": boolean, "foreach": boolean},
        ("max_norm",),
    ),
    "replay": REPLAY,
    "threshold": ByColumn(number(), "{rating: 4}"),
    "val_interval": ByColumn(_kept_values, "{rating: '[4,inf)'}"),
    "seq_len": ByColumn(integer(1), "{genres: 3}"),
    "discretization": ByColumn(_discretization, "{price: {method: ED, bucket: 10}}"),
    "load_col": ByColumn(_columns_of_file, "{inter: [user_id, item_id]}"),
    "unload_col": ByColumn(names, "{inter: [rating]}"),
    "unused_col": ByColumn(names, "{inter: [rating]}"),
    "preload_weight": ByColumn(_name, "{iid: item_emb}"),
    "additional_feat_suffix": Single(_names_or_one),
    "rm_dup_inter": Single(one_of("first", "last")),
    "transform": Single(one_of("mask_itemseq", "inverse_itemseq", "crop_itemseq", "reorder_itemseq", "user_defined")),
    "mlp_hidden_size": Single(integers(1)),
    **dict.fromkeys(("numerical_features", "normalize_field", "side_features", "selected_features"), Single(names)),
    **dict.fromkeys(("item_fields", "event_fields"), Single(names)),
    **dict.fromkeys((f"alias_of_{kind}_id" for kind in ("user", "item", "entity", "relation")), Single(names)),
    **dict.fromkeys((f"{kind}_inter_num_interval" for kind in ("user", "item")), Single(interval_fault)),
    **dict.fromkeys((f"{kind}_kg_num_interval" for kind in ("entity", "relation")), Single(interval_fault)),
}
"""Setting -> its form; a setting without a value has no error."""


def mapping_faults(values: dict[str, Any]) -> list[str]:
    """Errors in all declared settings among some values, and of entries that do not go together."""
    faults = [
        fault
        for key, form in DECLARED.items()
        if values.get(key) is not None
        for fault in form.faults(key, values[key])
    ]
    return faults or [*_negatives(values.get("train_neg_sample_args")), *_files(values), *_numbers(values)]


def _negatives(given: Any) -> list[str]:
    """Entries of `train_neg_sample_args` that need each other."""
    if not isinstance(given, dict) or given.get("distribution") in (None, "none"):
        return []
    faults = []
    if given.get("sample_num", 1) in (None, "none"):
        faults.append(f"train_neg_sample_args: sample_num must be an integer of at least 1 (got {given!r})")
    if given.get("dynamic") and not given.get("candidate_num"):
        faults.append(
            "train_neg_sample_args: dynamic takes the hardest of candidate_num candidates; "
            f"add candidate_num, for instance candidate_num: 5 (got {given!r})"
        )
    return faults


def _numbers(values: dict[str, Any]) -> list[str]:
    """Settings of numeric columns that need or exclude each other."""
    faults = []
    if len(values.get("threshold") or ()) > 1:
        faults.append(f"threshold makes labels of one column (got {values['threshold']!r})")
    if values.get("normalize_field") and values.get("normalize_all"):
        faults.append(
            "normalize_field and normalize_all: True choose columns twice; add normalize_all: False, or leave the "
            "other one out"
        )
    numerical = values.get("numerical_features") or ()
    bare = [name for name in values.get("discretization") or () if name not in numerical]
    if bare:
        faults.append(f"discretization is for numerical features; add {', '.join(bare)} to numerical_features")
    return faults


def _files(values: dict[str, Any]) -> list[str]:
    """Suffixes that no file of a data set has."""
    added = values.get("additional_feat_suffix") or []
    known = (*FILES, *([added] if isinstance(added, str) else added))
    keys = ("load_col", "unload_col", "unused_col")
    return [
        f"{key} names the file suffix {suffix!r}, which is none of {', '.join(known)}, nor named "
        f"in additional_feat_suffix{nearest(suffix, known)}"
        for key in keys
        for suffix in values.get(key) or ()
        if suffix not in known
    ]
