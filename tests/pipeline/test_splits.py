"""The splits of a finished run are opened again as they were, or refused with the file and both hashes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, InterruptedRun, ResourceError, UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.runs.data_record import read_record
from recbole_ext.serving.load import LoadedRun, finished_config, load_run
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter
from tests.pipeline.test_train import TINY

ROWS = [(f"u{user}", f"i{(5 * user + 7 * k) % 12}", 1000 * k + user) for user in range(16) for k in range(7)]
GENERAL: dict[str, Any] = {"epochs": 1, "topk": [2], "valid_metric": "MRR@2", "baselines": []}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inter(tmp_path_factory.mktemp("data"), "made", ROWS)


def trained(make_config: Callable[..., Config], root: Path, model: str = "Mamba4Rec", **given: Any) -> Path:
    """A run of its own; the same settings on the same data are trained once."""
    sizes: dict[str, Any] = {"Mamba4Rec": {**TINY, "epochs": 1, "baselines": []}}.get(model, GENERAL)
    config = make_config(model, root, **{**sizes, **given})
    kept = root / "trained" / f"{model}-{given}"
    if not kept.is_dir():
        shutil.copytree(run(config)["run_directory"], kept)
    return Path(shutil.copytree(kept, Path(config["runs_dir"]) / f"{model}-made-{len(list(root.iterdir()))}"))


def opened(folder: Path, root: Path | None = None) -> LoadedRun:
    return load_run(folder, finished_config(folder, str(root) if root else None), raw=root is not None)


def rewritten(root: Path, folder: Path, change: Callable[[list[str]], list[str]], name: str = "made.inter") -> Path:
    """A copy of the data with the rows of one file changed."""
    shutil.copytree(root / "made", folder / "made")
    path = folder / "made" / name
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *change(rows)]) + "\n")
    return folder


def batches(found: LoadedRun) -> list[dict[str, Any]]:
    """What the model reads of the tested rows, and its scores of them."""
    read = []
    for rows, *_ in found.loaders.test:
        with torch.no_grad():
            scores = found.model.full_sort_predict(rows)
        read.append({**{name: rows[name] for name in ("user_id", "item_id") if name in rows}, "scores": scores})
    return read


def same(first: LoadedRun, second: LoadedRun) -> bool:
    ours, theirs = batches(first), batches(second)
    tables = zip(ours, theirs, strict=True)
    return all(torch.equal(value, other[name]) for of, other in tables for name, value in of.items())


@pytest.mark.slow
def test_rows_in_another_order_meet_the_same_rows_of_the_tables(
    make_config: Callable[..., Config], root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = trained(make_config, root)
    backwards = rewritten(root, tmp_path / "other", lambda rows: rows[::-1])
    before, after = opened(folder), opened(folder, backwards)
    assert same(before, after)  # the order of time decides, and no two events of a user share their second
    assert "made.inter has other bytes than the run's" in caplog.text
    fresh = trained(make_config, backwards, runs_dir=str(tmp_path / "fresh"))
    assert not np.array_equal(opened(fresh).train.field2id_token["item_id"], before.train.field2id_token["item_id"])


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[::-1],
        lambda rows: [*rows, "u1\ti1\t9000"],
        lambda rows: [*rows, "somebody\ti1\t1"],
        lambda rows: rows[:-1],
        lambda rows: [rows[0].replace("i0", "i1"), *rows[1:]],
    ],
    ids=["order", "row", "user", "fewer", "other item"],
)
def test_other_splits_are_refused_with_both_hashes(
    make_config: Callable[..., Config], root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    folder = trained(make_config, root, "BPR")  # a random split depends on the order of the file
    other = rewritten(root, tmp_path / "other", change)
    was = json.loads((folder / "data.json").read_text())["sha256"]["made.inter"]
    with pytest.raises(DataError) as caught:
        opened(folder, other)
    text = str(caught.value)
    assert str(other / "made" / "made.inter") in text and was in text and text.count("sha256") == 1
    assert main(["ensemble", str(folder), str(copied(folder, tmp_path)), f"--data_path={other}"]) == 3
    assert was in capsys.readouterr().err
    assert same(opened(folder), opened(folder, root))


def copied(folder: Path, root: Path) -> Path:
    return Path(shutil.copytree(folder, root / "moved" / folder.name))


@pytest.mark.slow
def test_features_may_change_where_the_rows_of_the_run_do_not_read_it(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    root = write_inter(tmp_path / "data", "made", ROWS)
    lines = ["item_id:token\tkind:token", *(f"i{k}\tk{k % 3}" for k in range(12))]
    (root / "made" / "made.item").write_text("\n".join(lines) + "\n")
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id", "kind"]}}
    folder = trained(make_config, root, "SASRecF", selected_features=["kind"], loss_type="CE", **columns)
    more = rewritten(root, tmp_path / "more", lambda rows: ["new\tk9", *rows[::-1]], "made.item")
    assert same(opened(folder), opened(folder, more))
    moved = rewritten(root, tmp_path / "less", lambda rows: ["i0\tk1", *rows[1:]], "made.item")
    with pytest.raises(DataError, match=r"made.item is not what"):
        opened(folder, moved)


def test_a_run_of_an_earlier_version_is_checked_by_the_hashes_of_its_result(
    make_config: Callable[..., Config], root: Path, tmp_path: Path
) -> None:
    folder = trained(make_config, root)
    whole = opened(folder)
    for name in ("data.json", "vocabulary.json.gz"):
        (folder / name).unlink()
    assert same(whole, opened(folder))
    with pytest.raises(DataError, match=r"made.inter is not what"):
        opened(folder, rewritten(root, tmp_path / "other", lambda rows: rows[::-1]))
    (folder / "result.json").unlink()
    with pytest.raises(DataError, match=r"neither data.json nor result.json records the data"):
        opened(folder)


@pytest.mark.slow
def test_a_moved_run_and_what_is_missing(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(tmp_path / "data", "made", ROWS)
    folder = trained(make_config, root, store_data=False)
    assert not (folder / "data.safetensors").exists()
    whole, moved = opened(folder), copied(folder, tmp_path)
    shutil.rmtree(folder)
    assert same(whole, opened(moved))
    elsewhere = tmp_path / "elsewhere"
    shutil.move(root, elsewhere)
    with pytest.raises(UsageError, match=r"there is no data set named 'made'.*\n.*\n.*--data_path=DIR"):
        opened(moved)
    assert same(whole, opened(moved, elsewhere))
    (elsewhere / "made" / "made.inter").rename(elsewhere / "kept")
    with pytest.raises(DataError, match=r"made.inter is missing"):
        opened(moved, elsewhere)
    (elsewhere / "kept").rename(elsewhere / "made" / "made.inter")
    (moved / "data.json").write_text('{"format": 1, "sha256": 3}')
    with pytest.raises(DataError, match=r"data.json is damaged: (sha256|tables)"):
        opened(moved, elsewhere)
    shutil.rmtree(moved / "checkpoint")
    with pytest.raises(UsageError, match="no readable checkpoint"):
        opened(moved, elsewhere)


@pytest.mark.parametrize("lost", ["config.yaml", "checkpoint", "result.json"])
@pytest.mark.parametrize("command", ["ensemble", "report", "rate", "score"])
def test_every_command_on_a_run_that_lacks_something_ends_with_a_message(
    make_config: Callable[..., Config],
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    lost: str,
) -> None:
    folder = trained(make_config, root)
    other = copied(folder, tmp_path)
    (shutil.rmtree if lost == "checkpoint" else Path.unlink)(folder / lost)
    words = {
        "ensemble": [str(folder), str(other)],
        "report": [str(folder)],
        "rate": [f"--run={folder}", f"--pairs={root}"],
        "score": [f"--run={folder}", f"--input={root}"],
    }
    code = main([command, *words[command]])
    lines = capsys.readouterr().err.splitlines()
    assert code in ((0,) if command == "report" and lost != "config.yaml" else (2, 3))
    assert len([line for line in lines if line]) <= 4 and not any("Traceback" in line for line in lines)


def test_a_run_is_not_resumed_on_other_data(
    make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_inter(tmp_path / "data", "made", ROWS)
    config = make_config("BPR", root, **{**GENERAL, "epochs": 3})
    original = RunTrainer.train_epoch

    def interrupted(self: RunTrainer, batches: Any, epoch: int) -> Any:
        if epoch == 1:
            raise InterruptedRun("interrupted", 15)
        return original(self, batches, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(RunTrainer, "train_epoch", interrupted)
        with pytest.raises(InterruptedRun):
            run(config)
    path = root / "made" / "made.inter"
    whole = path.read_text()
    header, *rows = whole.splitlines()
    path.write_text("\n".join([header, *rows[::-1]]) + "\n")
    with pytest.raises(DataError, match=r"made.inter is not what BPR-made-.* was trained on"):
        run(make_config("BPR", root, **{**GENERAL, "epochs": 3}), resume="newest")
    path.write_text(whole)
    assert run(make_config("BPR", root, **{**GENERAL, "epochs": 3}), resume="newest")["epochs_trained"] == 3


@pytest.mark.slow
def test_runs_with_a_random_split_blend_each_on_its_own(
    make_config: Callable[..., Config], root: Path, tmp_path: Path
) -> None:
    runs = [trained(make_config, root, model, seed=7) for model in ("BPR", "LightGCN")]
    torch.manual_seed(1)  # whatever was drawn before
    assert main(["ensemble", *map(str, runs), f"--output={tmp_path / 'out'}"]) == 0
    found = json.loads((tmp_path / "out" / "ensemble.json").read_text())
    for folder, member in zip(runs, found["members"], strict=True):
        assert member["test"] == json.loads((folder / "result.json").read_text())["test"]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Items of which some have an entity, some entities that are no items, and two relations."""
    root = write_inter(tmp_path / "graph", "made", ROWS)
    links = [f"i{k}\te{k}" for k in range(3, 12)]
    triples = [f"e{k}\t{('of', 'by')[k % 2]}\tg{k % 3}" for k in range(3, 12)]
    tables = {"link": ("item_id:token\tentity_id:token", links)}
    tables["kg"] = ("head_id:token\trelation_id:token\ttail_id:token", triples)
    for suffix, (header, lines) in tables.items():
        (root / "made" / f"made.{suffix}").write_text("\n".join([header, *lines]) + "\n")
    return root


@pytest.mark.slow
def test_a_model_of_a_knowledge_graph_keeps_the_numbers_of_its_run(
    make_config: Callable[..., Config], graph: Path, tmp_path: Path
) -> None:
    split = {"eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"}, "kg_reverse_r": True}
    folder = trained(make_config, graph, "CKE", load_col=None, **split)
    before = opened(folder)
    after = opened(folder, rewritten(graph, tmp_path / "other", lambda rows: rows[::-1]))
    fields = ("user_id", "item_id", "entity_id", "head_id", "relation_id")
    ours, theirs = ([found.train.field2id_token[name].tolist() for name in fields] for found in (before, after))
    assert ours == theirs and same(before, after)
    assert len(ours[fields.index("entity_id")]) > len(ours[fields.index("item_id")])


def test_a_graph_in_another_order_is_refused(make_config: Callable[..., Config], graph: Path, tmp_path: Path) -> None:
    folder = trained(make_config, graph, "CKE", load_col=None)
    with pytest.raises(DataError, match=r"made.kg is not what"):
        opened(folder, rewritten(graph, tmp_path / "other", lambda rows: [*rows, "e3\tof\tnew"], "made.kg"))


def test_a_run_of_another_machine_is_opened_on_the_device_that_is_here(
    make_config: Callable[..., Config], root: Path
) -> None:
    folder = trained(make_config, root)
    text = (folder / "config.yaml").read_text()
    assert "\ndevice: cpu" in text
    (folder / "config.yaml").write_text(text.replace("\ndevice: cpu", "\ndevice: cuda:63"))
    best = finished_config(folder)["device"]
    assert best == torch.device("cuda:0" if torch.cuda.is_available() else "cpu") or best.type == "mps"
    assert finished_config(folder, device="cpu")["device"] == torch.device("cpu")
    with pytest.raises(ResourceError, match="device cuda:63 is not available here"):
        finished_config(folder, device="cuda:63")
    assert batches(opened(folder))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["DIEN", "DIN", "FM", "CKE", "GRU4Rec", "MultiVAE", "SpectralCF", "ItemKNN"])
def test_splits_of_every_family_are_opened_as_they_were(
    make_config: Callable[..., Config], small_ml_100k: Path, model: str
) -> None:
    given: dict[str, Any] = {"epochs": 1, "baselines": [], "MAX_ITEM_LIST_LENGTH": 6, "train_batch_size": 512}
    if model in ("DIEN", "DIN", "FM"):
        given["threshold"] = {"rating": 4}
    folder = Path(run(make_config(model, small_ml_100k, "ml-100k", **given))["run_directory"])
    record = read_record(folder)
    assert record is not None and {"train", "valid", "test"} <= set(record.tables)
    assert opened(folder).loaders.test is not None


def test_a_report_checks_the_data_that_is_named(
    make_config: Callable[..., Config], root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(make_config, root)
    assert main(["report", str(folder), f"--data_path={root}"]) == 0
    other = rewritten(root, tmp_path / "other", lambda rows: rows[::-1])
    assert main(["report", str(folder), f"--data_path={other}"]) == 3
    assert "sha256 of the run's file" in capsys.readouterr().err
    assert main(["report", str(folder), f"--data_path={tmp_path / 'nothing'}"]) == 3
    assert "of this one: no such file" in capsys.readouterr().err
    assert main(["report", str(folder), "--data=x"]) == 2
