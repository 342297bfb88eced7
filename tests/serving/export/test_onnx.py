"""Exported graphs in onnxruntime against the model in torch, and the lists of a run from the graphs alone."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.serving.export.graphs import reads_gaps
from recbole_ext.serving.export.onnx_checks import gaps_of, made_events
from recbole_ext.serving.export.onnx_file import require_packages, session
from recbole_ext.serving.run import Run

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CASES = [
    ("SS4Rec", {"protocol": "time_aware"}, ["encoder", "scores", "step"]),
    ("SS4Rec", {"ssm_variant": "mamba2", "head_dim": 4, "history_term": "seen"}, ["encoder", "scores", "step"]),
    ("SS4Rec", {"protocol": "time_aware", "history_term": "interval"}, ["encoder", "scores", "step"]),
    ("SS4Rec", {"protocol": "recbole", "history_term": "interval"}, ["encoder", "scores", "step"]),
    ("Mamba4Rec", {"history_term": "recency"}, ["encoder", "scores", "step"]),
    ("SASRec", {}, ["encoder", "scores"]),
    ("GRU4Rec", {}, ["encoder", "scores"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "given", "graphs"), CASES)
@torch.no_grad()
def test_graphs_equal_torch(
    made_run: Callable[..., Run], tmp_path: Path, model: str, given: dict[str, Any], graphs: list[str]
) -> None:
    run = made_run(model, **given)
    done = run.export("onnx", tmp_path / "out")
    assert [name.removesuffix(".onnx") for name in done.files if name.endswith(".onnx")] == graphs
    own = run.loaded.model.cpu()
    encoder = session(tmp_path / "out" / "encoder.onnx")
    for rows in (1, 2, 5):
        for width in (1, 2, 3, 5, 7):
            events = made_events(own, rows, width, seed=100 + width)
            asked = {"items": events.items.numpy(), "length": events.length.numpy()}
            if model == "SS4Rec" and reads_gaps(own):
                asked["gaps"] = gaps_of(own, events).numpy()
            if hasattr(own, "encode"):
                expected = own.gather_indexes(own.encode(events), events.length - 1)
            else:
                expected = own.forward(events.items, events.length)
            assert np.abs(encoder.run(None, asked)[0] - expected.numpy()).max() <= 1e-5
    assert lists_of_graphs(tmp_path / "out", run) == lists_of_run(run)


def lists_of_run(run: Run) -> dict[str, list[str]]:
    table = run.recommend(k=4, remove_seen=False)
    return {user: rows["item_id"].tolist() for user, rows in table.groupby("user_id")}


def lists_of_graphs(folder: Path, run: Run) -> dict[str, list[str]]:
    """The same lists by onnxruntime, from the files of the export and the events of the data alone."""
    said = json.loads((folder / "model.json").read_text())
    names = pl.read_parquet(folder / "items.parquet")
    number = dict(zip(names["item_id"], names["number"], strict=True))
    tokens = ["", *names["item_id"]]
    encoder, scores = session(folder / "encoder.onnx"), session(folder / "scores.onnx")
    inside = {value.name for value in (*encoder.get_inputs(), *scores.get_inputs())}
    found = {}
    data = pl.read_csv(Path(run.config["data_path"]) / "five.inter", separator="\t")
    data.columns = [name.partition(":")[0] for name in data.columns]
    newest = int(data["timestamp"].max())  # type: ignore[arg-type]
    for (user,), rows in data.sort("timestamp").group_by("user_id", maintain_order=True):
        every = [number[item] for item in rows["item_id"]]
        kept = said["longest_history"]
        times = np.array([*rows["timestamp"], newest], dtype=np.int64)
        known = "last event to the time" in said["inputs"].get("gaps", "")
        gaps = np.diff(times)[-kept:] if known else np.diff(times, prepend=times[0])[:-1][-kept:]
        gaps = gaps if known else np.concatenate([[0], gaps[1:]])
        ages = {item: len(every) - place for place, item in enumerate(every)}
        of_item = {item: times[:-1][np.array(every) == item] for item in ages}
        elapsed = [times[-1 if known else -2] - of[-1] for of in of_item.values()]
        intervals = [(of[-1] - of[0]) // (len(of) - 1) if len(of) > 1 else -1 for of in of_item.values()]
        given = {
            "items": np.array([every[-kept:]], dtype=np.int64), "length": np.array([min(kept, len(every))]),
            "gaps": gaps[None].astype(np.float32), "seen_items": np.array([list(ages)], dtype=np.int64),
            "seen_ages": np.array([list(ages.values())], dtype=np.int64),
            "seen_elapsed": np.array([elapsed], dtype=np.int64),
            "seen_intervals": np.array([intervals], dtype=np.int64),
        }  # fmt: skip
        given = {name: value for name, value in given.items() if name in inside}
        first = {value.name: given[value.name] for value in encoder.get_inputs()}
        given["hidden"] = encoder.run(None, first)[0]
        all_scores = scores.run(None, {value.name: given[value.name] for value in scores.get_inputs()})[0]
        found[str(user)] = [tokens[place] for place in np.argsort(-all_scores[0], kind="stable")[:4]]
    return found


@pytest.mark.slow
def test_a_model_without_a_graph_is_refused(made_run: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FM scores pairs of user and item one by one"):
        made_run("FM", eval_args={"mode": "full"}, threshold={"rating": 3}).export("onnx", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_general_model(made_run: Callable[..., Run], tmp_path: Path) -> None:
    run = made_run("BPR")
    done = run.export("onnx", tmp_path / "out")
    assert "users.parquet" in done.files
    scores = session(tmp_path / "out" / "scores.onnx").run(None, {"user_id": np.array([4])})[0]
    names = pl.read_parquet(tmp_path / "out" / "items.parquet")["item_id"].to_list()
    user = pl.read_parquet(tmp_path / "out" / "users.parquet").filter(number=4)["user_id"][0]
    best = run.recommend([user], k=3, remove_seen=False)["item_id"].tolist()
    assert [names[place] for place in np.argsort(-scores[0, 1:], kind="stable")[:3]] == best


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = importlib.util.find_spec
    without = {"onnxruntime"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in without else original(name))
    with pytest.raises(ResourceError, match=r"needs onnxruntime, which is not installed; run: pip"):
        require_packages()
