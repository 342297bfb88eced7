"""`--format=onnx`: graphs that answer without this package, torch or a GPU.

    encoder.onnx     histories -> the state after them                       SS4Rec, Mamba4Rec, SASRec, GRU4Rec
    step.onnx        an event, the states before it -> the states after it   SS4Rec, Mamba4Rec
    scores.onnx      the state -> scores of all items, history term included
    items.parquet    number, item_id: the columns of the scores; `values.parquet` where the history term reads a field
    model.json       inputs and outputs, what they mean, and the run's protocol

Of other ranking models `scores.onnx` alone: what `full_sort_predict` reads -> scores of all items.
"""

import copy
import json
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import nn

from recbole_ext.errors import UsageError
from recbole_ext.model.host.causal_host import AllPositions
from recbole_ext.model.mamba4rec import Mamba4Rec
from recbole_ext.model.ss4rec import SS4Rec
from recbole_ext.serving.export.graphs import Encoder, FullSort, Scores, States, Step
from recbole_ext.serving.export.onnx_checks import check_encoder, check_full_sort, check_scores, check_step
from recbole_ext.serving.export.onnx_file import Graph, described, require_packages, session, write_graph
from recbole_ext.serving.export.onnx_meaning import meaning
from recbole_ext.serving.export.onnx_rows import fields_read, rows_of_run
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.registered import task_of

_WINDOW = ("batch", "length")


def write(run: LoadedRun, folder: Path) -> list[str]:
    """Write the files; returns the notes.

    Raises:
        UsageError: the model does not rank, or torch's exporter does not take it.
        ResourceError: a package is missing.
    """
    require_packages()
    if "recommend" not in task_of(run.config.entry).answers:
        raise UsageError(f"--format=onnx is for ranking models; {run.config.model} is none. Its splits: --format=split")
    if getattr(run.model, "event_fields", None) is not None:
        raise UsageError(
            f"--format=onnx has no input for event_fields ({', '.join(run.model.event_fields.names)}), which this run "
            "reads; take --format=vectors, or serve it: recbole-ext serve"
        )
    model = copy.deepcopy(run.model).cpu().eval()
    if isinstance(model, SS4Rec | Mamba4Rec):
        differences = {**_encoder(run, model, folder), **_step(model, folder), **_scores(model, folder)}
    elif isinstance(model, AllPositions):
        differences = {**_states(run, model, folder), **_scores(model, folder)}
    else:
        differences = _full_sort(run, model, folder)
    _write_ids(run, model, folder)
    graphs = {path.name: described(session(path)) for path in sorted(folder.glob("*.onnx"))}
    text = json.dumps({"graphs": graphs, **meaning(run, model, list(graphs))}, indent=2, ensure_ascii=False)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")
    return [f"{name} equals torch to {largest:.0e}" for name, largest in differences.items()]


def _encoder(run: LoadedRun, model: Any, folder: Path) -> dict[str, float]:
    longest = run.config["MAX_ITEM_LIST_LENGTH"]
    module = Encoder(model, longest).eval()
    items, length = torch.ones(3, 5, dtype=torch.long), torch.tensor([5, 2, 3])
    gaps = (torch.ones(3, 5),) * module.gapped
    names, axes = ["items", "length", *["gaps"] * module.gapped], [_WINDOW, ("batch",), *[_WINDOW] * module.gapped]
    path = folder / "encoder.onnx"
    write_graph(Graph(module, (items, length, *gaps), names, ["hidden"], axes), path)
    return {path.name: check_encoder(model, session(path), longest)}


def _states(run: LoadedRun, model: Any, folder: Path) -> dict[str, float]:
    items, length = torch.ones(3, 5, dtype=torch.long), torch.tensor([5, 2, 3])
    path = folder / "encoder.onnx"
    axes: list[tuple[str, ...]] = [_WINDOW, ("batch",)]
    write_graph(Graph(States(model).eval(), (items, length), ["items", "length"], ["hidden"], axes), path)
    return {path.name: check_encoder(model, session(path), run.config["MAX_ITEM_LIST_LENGTH"])}


def _step(model: Any, folder: Path) -> dict[str, float]:
    module = Step(model).eval()
    shapes = module.shapes()
    states = [torch.zeros(3, *shape) for shape in shapes.values()]
    arguments = (torch.ones(3, dtype=torch.long), states, *(torch.ones(3),) * module.gapped)
    names = ["items", *shapes, *["gaps"] * module.gapped]
    path = folder / "step.onnx"
    outputs = ["hidden", *(f"next_{name}" for name in shapes)]
    write_graph(Graph(module, arguments, names, outputs, [("batch",)] * len(names)), path)
    return {path.name: check_step(model, session(path), shapes)}


def _scores(model: Any, folder: Path) -> dict[str, float]:
    module = Scores(model.item_embedding, model.history_term).eval()
    seen = [torch.ones(3, 4, dtype=torch.long) for _ in module.inputs()]
    names, path = ["hidden", *module.inputs()], folder / "scores.onnx"
    axes: list[tuple[str, ...]] = [("batch",), *[("batch", "seen")] * len(seen)]
    hidden = torch.zeros(3, model.item_embedding.embedding_dim)
    write_graph(Graph(module, (hidden, *seen), names, ["scores"], axes), path)
    return {path.name: check_scores(model, session(path))}


def _full_sort(run: LoadedRun, model: nn.Module, folder: Path) -> dict[str, float]:
    rows = rows_of_run(run, 5)
    fields = fields_read(run, model, rows)
    module, path = FullSort(model, fields).eval(), folder / "scores.onnx"
    axes: list[tuple[str, ...]] = [("batch",)] * len(fields)
    write_graph(Graph(module, tuple(rows[name][:3] for name in fields), fields, ["scores"], axes), path)
    return {path.name: check_full_sort(module, session(path), rows)}


def _write_ids(run: LoadedRun, model: Any, folder: Path) -> None:
    field = getattr(getattr(model, "history_term", None), "field", None)
    for name, stem in ((run.train.iid_field, "items"), (field, "values")):
        if name:
            tokens = [str(token) for token in run.train.field2id_token[name][1:]]
            table = pl.DataFrame({"number": range(1, len(tokens) + 1), name: tokens})
            table.write_parquet(folder / f"{stem}.parquet")
    if (folder / "scores.onnx").is_file() and isinstance(model, SS4Rec | Mamba4Rec | AllPositions):
        return
    tokens = [str(token) for token in run.train.field2id_token[run.train.uid_field][1:]]
    table = pl.DataFrame({"number": range(1, len(tokens) + 1), run.train.uid_field: tokens})
    table.write_parquet(folder / "users.parquet")
