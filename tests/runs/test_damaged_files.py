"""Each file of a run, damaged in each way: every reader names the file and what is wrong, and shows what it can."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.errors import DataError, RecBoleExtError
from recbole_ext.evaluation.units import UNITS_FILE, ranked_units, units_bytes
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run
from recbole_ext.report.report import write_report
from recbole_ext.runs.run_files import read_result
from tests.conftest import write_inter
from tests.training.conftest import ROWS
from tests.written_runs import RESULT

WRITTEN = ("config.yaml", "result.json", "metrics.csv", "environment.json", "events.jsonl", "test_units.npz")
OPENED = ("config.yaml", "data.json", "vocabulary.json.gz", "data.safetensors", "checkpoint/best.json", "tensors")
CONTINUED = ("config.yaml", "data.json", "checkpoint/last.json", "tensors")
USERS = np.array(["a", "b", "c", "d"])
OTHERS = (None, 7, "x", [1], {"a": {"b": "c"}}, True)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def bytes_that_are_no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00\x80\n" * 20)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_list(path: Path) -> None:
    path.write_text("[1, 2]\n")


def newer(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    new = text.replace("; format 1", "; format 9") if path.suffix == ".yaml" else None
    path.write_text(new or json.dumps(json.loads(text) | {"format": 9}))


DAMAGES: tuple[Callable[[Path], None], ...] = (cut, bytes_that_are_no_text, a_folder, a_list)


def damages(*files: str) -> list[Any]:
    """Every file with every damage; a newer format for those that have one."""
    found = [(file, damage) for file in files for damage in DAMAGES]
    found += [(file, newer) for file in files if file.endswith((".yaml", ".json"))]
    return [pytest.param(file, damage, id=f"{file} {damage.__name__}") for file, damage in found]


@pytest.mark.parametrize(("file", "damage"), damages(*WRITTEN))
def test_reports_name_what_is_damaged_and_show_the_rest(
    file: str, damage: Callable[[Path], None], make_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run()
    (folder / UNITS_FILE).write_bytes(units_bytes({"SS4Rec": ranked_units(USERS, 7, {"hit@10": np.ones(4)})}))
    damage(folder / file)
    lost_line = damage is cut and file in ("metrics.csv", "events.jsonl")  # the last one does not count
    assert main(["report", str(folder)]) == (0 if lost_line else 3)
    error, page = capsys.readouterr().err, (folder / "report.html").read_text()
    assert "Traceback" not in error and "<h1>" in page
    assert lost_line or (file in error and "DAMAGED" in page)
    if file not in ("metrics.csv", "events.jsonl"):
        assert main(["diagnose", str(folder)]) == 3
        shown = capsys.readouterr()
        assert shown.out.strip() and file in shown.err and "Traceback" not in shown.err


@pytest.mark.parametrize("damage", [*DAMAGES, newer], ids=lambda damage: damage.__name__)
def test_no_comparison_has_a_damaged_result(
    damage: Callable[[Path], None], finished_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [finished_run(name, np.zeros(200), seed=seed) for seed, name in enumerate("ab")]
    damage(paths[1] / "result.json")
    assert main(["compare", *map(str, paths)]) == 3
    assert "runs/b/result.json" in capsys.readouterr().err


WHOLE: dict[str, Any] = {
    **RESULT,
    "warnings": ["a"],
    "criteria": [{"text": "hit@10 > 0.1", "verdict": "PASS", "value": 0.15, "tier": "good"}],
    "ratings": {"all": {"n": 4, "rmse": 1.0}, "groups": {"new": {"n": 4, "rmse": 1.0}}, "by_star": {}},
    "audit": {"findings": [{"name": "a", "text": "b"}]},
    "clicks": {
        "intervals": {"hit@10": [0.1, 0.2]},
        "reliability": {"rows": [1], "predicted": [0.5], "observed": [0.4]},
    },
    "forgetting": {"metric": "hit@10", "before": 0.2, "after": 0.1, "rows": 9},
    **dict.fromkeys(("batch_halvings", "cost", "total_seconds"), 1),
}


@pytest.fixture
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without `results.png`, which the tests of damaged files above write."""
    monkeypatch.setattr("recbole_ext.report.report.png", lambda *parts: b"")


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("key", WHOLE)
def test_a_field_of_another_kind_is_refused_or_shown(key: str, make_run: Callable[..., Path]) -> None:
    folder = make_run()
    rest = {name: value for name, value in WHOLE.items() if name != key}
    for changed in [rest, *({**rest, key: other} for other in OTHERS)]:
        (folder / "result.json").write_text(json.dumps(changed))
        try:
            read_result(folder)
        except DataError as error:
            assert re.search(rf"result\.json is damaged: {key}\b.*(must be|missing)", str(error))
            continue
        try:
            write_report(folder)
        except RecBoleExtError as error:
            assert "result.json" in str(error) or "criteria" in str(error)


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize(
    "key", ["epochs", "criteria", "valid_metric", "model", "seeds", "TIME_FIELD", "stages", "load_col"]
)
def test_a_setting_of_another_kind_is_refused_or_shown(key: str, make_run: Callable[..., Path]) -> None:
    folder = make_run()
    text = (folder / "config.yaml").read_text()
    for other in OTHERS:
        kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{key}:"))
        (folder / "config.yaml").write_text(f"{kept}{key}: {json.dumps(other)}\n")
        try:
            write_report(folder)
        except RecBoleExtError as error:
            assert "config.yaml" in str(error) or "criteria" in str(error)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, whose state is kept."""
    root = write_inter(tmp_path_factory.mktemp("damaged"), "made", ROWS)
    given = {"data_path": str(root), "runs_dir": str(root / "runs"), "device": "cpu", "epochs": 1, "topk": [2]}
    given |= {"valid_metric": "NDCG@2", "metrics": ["NDCG"], "baselines": [], "show_progress": False}
    given |= {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "log_tensorboard": False}
    return Path(run(build_config("BPR", "made", [], given))["run_directory"])


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, with raw data that are no longer there."""
    return Path(shutil.copytree(trained, tmp_path / "runs" / trained.name))


def file_of(folder: Path, name: str, checkpoint: str) -> Path:
    return next((folder / "checkpoint").glob(f"{checkpoint}-*.safetensors")) if name == "tensors" else folder / name


@pytest.mark.parametrize(("file", "damage"), damages(*OPENED))
def test_a_run_with_a_damaged_file_is_not_opened(file: str, damage: Callable[[Path], None], copied: Path) -> None:
    path = file_of(copied, file, "best")
    damage(path)
    with pytest.raises(DataError, match=re.escape(path.name)):
        rx.load(copied).recommend(["1"])


@pytest.mark.slow
@pytest.mark.parametrize(("file", "damage"), damages(*CONTINUED))
def test_a_run_with_a_damaged_file_is_not_continued(
    file: str, damage: Callable[[Path], None], copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / "result.json").unlink()
    path = file_of(copied, file, "last")
    damage(path)
    code = main([f"--resume={copied.name}", f"--runs_dir={copied.parent}"])
    error = capsys.readouterr().err
    assert path.name in error and "Traceback" not in error
    assert code == 3
