"""What the inputs and outputs of the graphs mean, for `model.json`."""

from typing import Any

from recbole_ext.serving.export.graphs import Scores, reads_gaps
from recbole_ext.serving.load import LoadedRun

_GAPS = {
    True: "float32 seconds >= 0 from each event to the next one, from the last event to the time of the "
    "recommendation; 0 at padding. Subtract integer times, then convert",
    False: "float32 seconds >= 0 from the event before to each event, 0 for the first event and at padding. "
    "Subtract integer times, then convert",
}
_INPUTS = {
    "items": "int64 numbers of items.parquet, oldest event first, padded with 0 on the right",
    "length": "int64, events of each history, at least 1",
    "hidden": "float32, the state after the last event: output of encoder.onnx and of step.onnx",
    "seen_items": "int64 numbers of the different items of the whole history, each once, padded with 0",
    "seen_ages": "int64, how many events ago the latest event with each of seen_items was: 1 for the last event",
    "seen_values": "int64 numbers of values.parquet: the value at the latest event with each of seen_items",
    "seen_elapsed": "int64 seconds >= 0 since the latest event with each of seen_items, up to the time of the "
    "recommendation where the protocol has the target's time, else up to the last event",
    "seen_intervals": "int64, mean seconds between the user's events with each of seen_items, rounded down; -1 for an "
    "item with one event",
}


def meaning(run: LoadedRun, model: Any, graphs: list[str]) -> dict[str, Any]:
    """What a caller of the graphs has to know.

    Args:
        run: opened.
        model: of the run.
        graphs: names of the files.
    """
    from recbole_ext.serving.export.export import facts

    inputs: dict[str, str] = {}
    if "encoder.onnx" in graphs:
        term = Scores(model.item_embedding, model.history_term).inputs()
        inputs = {name: _INPUTS[name] for name in ("items", "length", "hidden", *term)}
        if reads_gaps(model):
            inputs["gaps"] = _GAPS[bool(model.step_settings.use_target_time)]
    if "step.onnx" in graphs:
        inputs["states"] = "float32 zeros before a user's first event; then next_NAME of the event before, as NAME"
    return {
        **facts(run),
        "item_field": run.train.iid_field,
        "scores": "a column for each number of items.parquet; column 0 is the padding item and no candidate",
        "inputs": inputs or _plain(run),
        "longest_history": run.config["MAX_ITEM_LIST_LENGTH"],
        "remove_seen": bool(run.config["filter_seen_items"]),
    }


def _plain(run: LoadedRun) -> dict[str, str]:
    train, listed = run.train, run.train.iid_field + run.config["LIST_SUFFIX"]
    return {
        train.uid_field: "int64 numbers of users.parquet",
        listed: f"{_INPUTS['items']} to longest_history",
        run.config["ITEM_LIST_LENGTH_FIELD"]: _INPUTS["length"],
    }
