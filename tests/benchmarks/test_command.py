"""Wrong input of a benchmark ends with one sentence and an exit code before anything is trained."""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import command
from benchmarks.command import execute, further_keys
from recbole_ext.errors import DataError, UsageError


def ended(words: str | list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of a benchmark's command."""
    module, *rest = words.split() if isinstance(words, str) else words
    main = importlib.import_module(f"benchmarks.{module}").main
    monkeypatch.setattr(sys, "argv", [module, *rest])
    monkeypatch.setattr(subprocess, "run", lambda *words, **given: pytest.fail("it began to measure"))
    with pytest.raises(SystemExit) as caught:
        execute(main)
    return caught.value.code


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("accuracy --data_path=x --protocols=recbol", 2, "recbol"),
        ("accuracy --data_path=x --models=SS4Rec,SSRec", 2, "no model named 'SSRec'"),
        ("accuracy --data_path=x --epochs 3", 2, "unexpected word '--epochs'"),
        ("accuracy --data_path=x --epoch=3", 2, "epoch"),
        ("accuracy --data_path=x --seeds=a", 2, "--seeds"),
        ("rivals --models=SS4Rec+,SSRec", 2, "no model named 'SSRec'"),
        ("rivals --rates=much", 2, "--rates"),
        ("ctr --models MDAFMamba,MDAFMumba", 2, "no model named 'MDAFMumba'"),
        ("ctr --data shop --models MDAFMamba", 2, "known: ml-100k, ml-1m"),
        ("ctr --protocol P1 --models MDAFMamba,DIN", 2, "tested on other rows"),
        ("ctr --protocol P2 --models MDAFMamba,DIN", 2, "tested on other rows"),
        ("ctr --models MDAFMamba,myFM", 2, "leave it out of --models"),
        ("ctr_ablation --parts tower", 2, "there is no 'tower'"),
        ("ctr_ablation --protocol P9", 2, "P9"),
        ("ctr_ablation --data x --protocol P5 --branches static", 2, "branches are fixed"),
        ("ctr_ablation --protocol P2 --item_vectors x.npy", 2, "for P5 alone"),
        (["ctr_ablation", "--data=x", "--protocol=P5", "--parts=none + attention,mean + attention"], 2, "one of mamba"),
        ("phases --protocol P1", 2, "P1"),
        ("phases --phases 2", 2, "there is no '2'"),
        ("rating --peers=myfm,svd", 2, "there is no 'svd'"),
        ("rating --train_on=train_valid --peer_weight=.2 --peers=myfm,lenskit_knn", 2, "chosen on test"),
        ("rating_variants --variants=tall", 2, "there is no 'tall'"),
        ("cold_items --data_path=nowhere --output=o", 3, "there is no file nowhere/ml-1m/ml-1m.inter"),
        ("click_transitions --sample nowhere --log x", 3, "there is no file nowhere/nowhere.train.inter"),
        ("sparse_data --output o --movielens=nowhere", 3, "there is no file nowhere/nowhere.inter"),
        ("sparse_data --output o --users 9 --items 2 --rows 99", 2, "2 items are too few for 4 groups"),
        ("habits --output o --items 3", 2, "at least as many items are needed (got 3)"),
        ("ml_100k --epochs=few", 2, "--epochs"),
        ("losses CE", 2, "CE"),
        ("serve_load", 2, "name one of"),
    ],
)
def test_wrong_input_is_refused(
    words: str | list[str],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "myfm", None)
    assert ended(words, monkeypatch) == code
    printed = capsys.readouterr()
    assert said in printed.err and "Traceback" not in printed.err and not list(tmp_path.rglob("runs"))


def test_models_that_have_other_rows_or_are_one_network_are_not_measured_by_default() -> None:
    from benchmarks.ctr import MODELS, default_models

    def models(protocol: str, files: str = "") -> list[str]:
        return default_models(argparse.Namespace(protocol=protocol, config_files=files))

    assert models("P2") == models("P1") == ["MDAFMamba", "FM", "DeepFM", "DCNV2", "myFM"]
    assert models("P2", "mdaf-ml-1m-phase-1") == ["MDAFMamba", "MDAFBST", "FM", "DeepFM", "DCNV2", "myFM"]
    assert models("P4") == list(MODELS)


def test_a_folder_with_tunings_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "asha" / "SS4Rec-ml-100k").mkdir(parents=True)
    assert ended(["tuning", f"--folder={tmp_path}"], monkeypatch) == 2
    assert "remove it, or name another --folder" in capsys.readouterr().err


def test_errors_of_processes_and_of_the_user_have_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def failed(code: int) -> None:
        raise subprocess.CalledProcessError(code, ["python", "-m", "x"])

    def interrupted() -> None:
        raise KeyboardInterrupt

    codes = []
    for main in (lambda: failed(3), lambda: failed(-9), interrupted, lambda: None, lambda: 4):
        with pytest.raises(SystemExit) as caught:
            execute(main)
        codes.append(caught.value.code)
    assert codes == [3, 137, 130, None, 4]
    assert "python -m x ended with 3" in capsys.readouterr().err


def test_an_internal_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        execute(lambda: 1 // 0)


def test_further_keys_are_read_as_yaml_and_set_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(command.torch, "set_num_threads", threads.append)
    assert further_keys(["--torch_threads=1", "--topk=[5,10]"]) == {"torch_threads": 1, "topk": [5, 10]}
    assert threads == [1]
    with pytest.raises(UsageError, match="unexpected word 'epochs=3'"):
        further_keys(["epochs=3"])


def test_a_sparse_log_without_rows_is_not_written(tmp_path: Path) -> None:
    from benchmarks.sparse_data import write

    with pytest.raises(DataError, match="no row is left"):
        write(tmp_path, "x", np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert not list(tmp_path.iterdir())


def test_one_seed_has_no_interval() -> None:
    from benchmarks.ctr_ablation import interval

    assert interval(np.array([0.0123])) == "+0.0123 (one seed)"
    assert interval(np.array([0.01, 0.03])) == "+0.0200 (-0.1071 to +0.1471)"


def test_an_ablation_of_p5_takes_the_epochs_that_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import ctr_ablation

    seen: list[dict[str, Any]] = []

    def scores(arguments: Any, seed: int, given: dict[str, Any]) -> tuple[float, float]:
        seen.append(given)
        return 0.5, 0.5

    monkeypatch.setattr(ctr_ablation, "scores", scores)
    words = ["--data=x", "--protocol=P5", "--seeds=1", "--parts=mamba + attention"]
    for more in ([], ["--epochs=7"]):
        monkeypatch.setattr(sys, "argv", ["ctr_ablation", *words, *more])
        ctr_ablation.main()
    assert [given["epochs"] for given in seen] == [2, 7]
