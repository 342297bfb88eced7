"""Runs with vectors and fields of items and events go on: known items keep their vectors, new ones have their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, InterruptedRun, RecBoleExtError, UsageError
from recbole_ext.pipeline.build import build_on_device
from recbole_ext.pipeline.splits import open_splits
from recbole_ext.serving.continued.continue_run import Continuation, continue_run
from recbole_ext.serving.continued.joined_files import joined_data
from recbole_ext.serving.continued.new_rows import Shares, read_new
from recbole_ext.serving.continued.settings import continued_config
from recbole_ext.serving.run import Run
from tests.drift.made_logs import DAY, START
from tests.runs.test_resume import interrupt_at
from tests.serving.continued.conftest import LATER, PAST, trained

COLD, WIDTH = "cold", 8
FIELDS: dict[str, Any] = {
    "item_fields": ["brand", "tags"],
    "item_fields_mode": "gated",
    "event_fields": ["act", "rating"],
    "load_col": {
        "inter": ["user_id", "item_id", "timestamp", "act", "rating"],
        "item": ["item_id", "brand", "tags", "v"],
    },
}
OLD = list(dict.fromkeys(item for _, item, _ in PAST))
NOW_TAKEN = [(f"w{u}", COLD, START + (21 + u) * DAY + 7) for u in range(4)]
"""Interactions with the item that was in none of the past."""
ROWS = sorted([*LATER, *NOW_TAKEN], key=lambda row: row[2])
NEW = ["x0", "x1", "x2"]
"""Items that the past does not know; the last is in no interaction."""


def of_item(item: str) -> np.ndarray:
    return np.random.default_rng(sum(map(ord, item))).normal(size=WIDTH).round(3)


def write_data(folder: Path, rows: list[Any], items: list[str], later: bool = False) -> Path:
    """A data set with kind and rating of events, and brand, tags and a vector of items; later: with further values."""
    folder.mkdir(parents=True)
    name, kinds = folder.name, 4 if later else 3
    events = "".join(f"{u}\t{i}\t{t}\ta{n % kinds}\t{1 + n % 5}\n" for n, (u, i, t) in enumerate(rows))
    (folder / f"{name}.inter").write_text(
        "user_id:token\titem_id:token\ttimestamp:float\tact:token\trating:float\n" + events
    )
    described = "".join(
        f"{i}\t{'new brand' if i in NEW else 'b' + i[-1]}\tt{len(i)}{' new' if i in NEW else ''}\t"
        f"{' '.join(f'{x:.3f}' for x in of_item(i))}\n"
        for i in items
    )
    (folder / f"{name}.item").write_text("item_id:token\tbrand:token\ttags:token_seq\tv:float_seq\n" + described)
    return folder


def run_on_the_past(root: Path, model: str = "Mamba4Rec", keep_files: bool = False, **given: Any) -> Run:
    """A run with all three, whose files are gone unless they are kept."""
    folder = write_data(root / "described" / "made", PAST, [*OLD, COLD])
    settings = {**FIELDS, "item_vectors": "v", "runs_dir": root / "runs", **given}
    run = trained(root, model, **{**settings, "data_path": str(folder.parent)})
    for file in () if keep_files else folder.iterdir():
        file.unlink()
    return run


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_on_the_past(tmp_path_factory.mktemp("described"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_data(tmp_path / "more", ROWS, [*OLD, COLD, *NEW], later=True)


def begun(run: Run, given: Path, tmp_path: Path, item_vectors: str | None = None) -> tuple[Config, Any, Any]:
    """Configuration, data and model of the continued run before its first step."""
    beside = given if given.is_dir() else None
    new = read_new(run.loaded, given, Shares())
    root = joined_data(run.loaded, new, beside, tmp_path / "runs", item_vectors)
    config = continued_config(run.loaded, new, root, 1.0, {})
    splits = open_splits(config)
    return config, splits.loaders.train._dataset, build_on_device(config, splits.loaders).eval()


def ids(data: Any, field: str, tokens: list[str]) -> list[int]:
    return [data.field2token_id[field][token] for token in tokens]


def test_known_items_and_values_keep_their_vectors_and_new_ones_have_their_own(
    described: Run, folder: Path, tmp_path: Path
) -> None:
    _, data, model = begun(described, folder, tmp_path)
    before, n_items = described.loaded, described.loaded.train.item_num
    assert torch.equal(model.item_embedding.weight[:n_items], before.model.item_embedding.weight)
    names = data.field2id_token["item_id"]
    assert set(names[n_items:]) == set(NEW) and list(names[:n_items]) == list(before.train.field2id_token["item_id"])
    new = ids(data, "item_id", NEW)
    np.testing.assert_allclose(data.item_vectors[new], [of_item(item) for item in NEW], rtol=1e-6)
    assert model.item_embedding.weight[new].abs().sum(1).all() and data.has_vector[1:].all()
    for number, (field, token) in enumerate((("brand", "new brand"), ("tags", "new"))):
        row = ids(data, field, [token])[0]
        assert row == len(before.train.field2id_token[field]) and model.item_embedding.fields[number].weight[row].any()
    (act,) = ids(data, "act", ["a3"])
    event_fields, earlier = model.event_fields, before.model.event_fields
    assert act == len(earlier.tables[0].weight) and event_fields.tables[0].weight[act].any()
    assert torch.equal(event_fields.tables[0].weight[:act], earlier.tables[0].weight)
    assert torch.equal(event_fields.scale_1, earlier.scale_1)


@pytest.mark.parametrize("form", [str, Path])
def test_a_folder_is_taken_as_text_and_as_a_path(
    described: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, form: type
) -> None:
    def joined(run: Any, new: Any, beside: Path | None, *rest: Any) -> Path:
        raise UsageError(f"features of new items are read in {beside}")

    monkeypatch.setattr("recbole_ext.serving.continued.continue_run.joined_data", joined)
    with pytest.raises(UsageError, match=f"read in {folder}"):
        described.continue_with(form(folder))
    with pytest.raises(UsageError, match=r"--replay must lie between 0 and 1 \(got 'x'\)"):
        described.continue_with(folder, replay="x")  # type: ignore[arg-type]


def vector_file(path: Path, items: list[str], width: int = WIDTH) -> str:
    np.save(path, np.stack([of_item(item) for item in items])[:, :width].astype(np.float32))
    path.with_suffix(".ids").write_text("\n".join(items) + "\n")
    return str(path)


def test_of_one_file_new_items_have_the_vectors_of_another_file_and_unknown_fields(
    described: Run, folder: Path, tmp_path: Path
) -> None:
    alone, given = folder / "more.inter", vector_file(tmp_path / "w.npy", [OLD[0], "x0", "x2"])
    _, data, model = begun(described, alone, tmp_path, given)
    assert data.has_vector[ids(data, "item_id", ["x0", "x1", "x2"])].tolist() == [True, False, True]
    assert data.ledger.vectors["without_interactions"] == 1  # x2
    assert "have no row in made.item (first: 'x0')" in " ".join(data.ledger.warnings)
    assert model.item_embedding.weight[ids(data, "item_id", ["x1"])].any()


def test_without_further_vectors_new_items_have_none(described: Run, folder: Path, tmp_path: Path) -> None:
    _, data, _ = begun(described, folder / "more.inter", tmp_path)
    assert data.ledger.vectors == {
        "width": WIDTH,
        "items": 27,
        "with_vector": 25,
        "without_interactions": 0,
        "left_out": 0,
    }


def without(column: str) -> Callable[[Path, Path], dict[str, Any]]:
    def change(folder: Path, root: Path) -> dict[str, Any]:
        file = folder / "more.item"
        file.write_text(file.read_text().replace(f"\t{column}:", f"\tother_{column}:"))
        return {}

    return change


WRONG: dict[str, tuple[Callable[[Path, Path], dict[str, Any]], type[RecBoleExtError], str]] = {
    "no vectors": (without("v"), DataError, "more.item: it has no column v:float_seq, which the run reads"),
    "no brands": (without("brand"), DataError, "more.item: it has no column brand:token, which the run reads"),
    "width": (
        lambda folder, root: {"item_vectors": vector_file(root / "w.npy", NEW, 5)},
        DataError,
        "w.npy: its vectors have 5 numbers, and those of .* 8; make the vectors of new items as",
    ),
    "no file": (lambda folder, root: {"item_vectors": "gone.npy"}, DataError, "item_vectors: gone.npy is no such file"),
    "no table": (
        lambda folder, root: (folder / "more.item").unlink() or {"item_vectors": "v"},
        UsageError,
        "item_vectors: v is a column of items, and --data has no .item file; give a data",
    ),
    "mode": (lambda folder, root: {"item_fields_mode": "summed"}, UsageError, "other weights than this model .*gate"),
    "no actions": (
        lambda folder, root: (
            (folder / "more.inter").write_text((folder / "more.inter").read_text().replace("act", "b")) and {}
        ),
        DataError,
        "act",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(described: Run, folder: Path, tmp_path: Path, name: str) -> None:
    change, error, message = WRONG[name]
    settings = {"runs_dir": str(tmp_path / "runs"), **change(folder, tmp_path)}
    with pytest.raises(error, match=message):
        continue_run(described.loaded, folder, Continuation(settings=settings))
    assert not list((tmp_path / "runs").glob("Mamba4Rec-*"))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["init", "frozen", "projected"])
def test_every_mode_goes_on(tmp_path: Path, folder: Path, mode: str) -> None:
    """Also where each known item has a given vector alone, and a new item none."""
    run = run_on_the_past(tmp_path, item_vectors_mode=mode)
    _, data, model = begun(run, folder / "more.inter", tmp_path)
    assert torch.equal(model.item_embedding.weight[: run.loaded.train.item_num], run.loaded.model.item_embedding.weight)
    assert model.item_embedding.weight[ids(data, "item_id", ["x0"])].any()


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_and_can_be_continued_itself(
    described: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"settings": {"runs_dir": str(tmp_path / "runs"), "epochs": 2, "save_seconds": 0}}
    with monkeypatch.context() as patch:
        interrupt_at(3, patch)
        with pytest.raises(InterruptedRun):
            continue_run(described.loaded, folder, Continuation(**how))
    run = Run(continue_run(described.loaded, folder, Continuation(**how, resume="newest")))
    assert len(list((tmp_path / "runs").glob("Mamba4Rec-*"))) == 1 and len(run.curves) == 2
    for file in folder.iterdir():
        file.unlink()
    assert set(NEW) < set(run.recommend(users=["u1"], k=40)["item_id"])
    later = [(f"u{u}", f"{'xy'[d % 2]}{u % 2}", START + (60 + d) * DAY + u) for u in range(8) for d in range(10)]
    again = write_data(tmp_path / "again", later, ["x0", "x1", "y0", "y1"])
    words = ["continue", "--run", str(run.path), "--data", str(again), "--epochs=1"]
    assert main(words) == 0 and main([*words, "--item_vectors_mode=frozen"]) == 2
