"""An export is whole or not there, and what cannot be exported is refused in a sentence."""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.serving.export import split
from recbole_ext.serving.run import Run


def test_the_manifest_has_the_hashes(made_run: Callable[..., Run], tmp_path: Path) -> None:
    run = made_run("BPR")
    done = run.export("split", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert list(found["files"]) == done.files == [
        "five/five.test.inter", "five/five.train.inter", "five/five.valid.inter", "five.yaml",
    ]  # fmt: skip
    for name, said in found["files"].items():
        content = (tmp_path / "out" / name).read_bytes()
        assert said == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert found["kind"] == "split" and found["run"] == run.path.name and len(found["weights_sha256"]) == 64
    assert found["protocol"]["task"] == "ranking"


@pytest.mark.parametrize(("error", "raised", "words"), [
    (OSError(errno.ENOSPC, "No space left on device"), ResourceError, "out: writing stopped, no space left on device"),
    (KeyboardInterrupt(), KeyboardInterrupt, None),
])  # fmt: skip
def test_an_export_that_ends_early_leaves_nothing(
    made_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any, raised: Any, words: Any
) -> None:
    original, calls = split.write_rows, []

    def written(*given: Any) -> None:
        calls.append(given)
        original(*given)
        if len(calls) == 2:
            raise error

    run = made_run("BPR")
    monkeypatch.setattr(split, "write_rows", written)
    with pytest.raises(raised, match=words):
        run.export("split", tmp_path / "out")
    assert len(calls) == 2 and list(tmp_path.iterdir()) == []


def test_a_run_that_has_not_finished_says_so(made_run: Callable[..., Run], tmp_path: Path) -> None:
    copied = tmp_path / "run"
    shutil.copytree(made_run("BPR").path, copied)
    (copied / "result.json").unlink()
    done = Run(copied).export("vectors", tmp_path / "out")
    assert done.notes[0] == "the run has not finished: these are its best weights so far, of epoch 1"
    shutil.rmtree(copied / "checkpoint")
    with pytest.raises(UsageError, match="no readable checkpoint"):
        Run(copied).export("vectors", tmp_path / "out2")


def test_wrong_words(made_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made_run("BPR")
    (tmp_path / "there").mkdir()
    for given, words in (
        (["--format=onix", f"--output={tmp_path / 'out'}"], "must be one of onnx, vectors, split (got 'onix');"),
        (["--format=recbole", f"--output={tmp_path / 'out'}"], "--format=recbole is not offered: RecBole's loader"),
        (["--format=split", f"--output={tmp_path / 'there'}"], "it exists, and nothing is overwritten"),
        (["--format=split", f"--output={run.path}"], "this is the directory of a run; name a new directory"),
        (["--format=split", f"--output={run.path / 'checkpoint' / 'x'}"], "it is within the checkpoints of the run"),
        ([f"--output={tmp_path / 'out'}"], "export needs --format"),
    ):
        assert main(["export", f"--run={run.path}", *given]) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") <= 3
    assert main(["export", f"--run={tmp_path}", "--format=split", f"--output={tmp_path / 'out'}"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_the_command(made_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made_run("BPR")
    assert main(["export", f"--run={run.path}", "--format=vectors", f"--output={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'out'}: 4 files and manifest.json" in said and "note        dot products" in said
