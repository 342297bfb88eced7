"""A run's report: what came out, what can be concluded, and never at the cost of the run."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import NonFiniteError
from recbole_ext.evaluation.best_baseline import against_baselines
from recbole_ext.pipeline.train import run
from recbole_ext.report.report import leave_report, write_report
from recbole_ext.training.keeper import Keeper

MakeRun = Callable[..., Path]


def plain(folder: Path) -> str:
    """The report's words without its markup."""
    html = (folder / "report.html").read_text()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("</style>")[1]))


def test_a_finished_run_stands_beside_its_baselines(make_run: MakeRun, result: dict[str, Any]) -> None:
    folder = make_run()
    path, found = write_report(folder)
    text = plain(folder)
    assert "Finished at 2026-01-01 12:34 UTC: 6 epochs in 62 s; the weights are those of epoch 3." in text
    assert "SS4Rec does not beat the best non-learned baseline, skip_markov: test ndcg@10 0.0800 against 0.1100" in text
    assert "FAIL hit@10 &gt; 0.25 it is 0.15" in text and "PASS best_epoch in [2, 4] it is 3" in text
    assert "NOT YET valid.hit@10@epoch9" in text
    assert [one.name for one in found] == ["too_little", "worse_than_baseline"]
    assert "FINDING no better than the best non-learned baseline" in text
    assert "sha256 of ml-100k.inter" in text and "python run_recbole_ext.py --model=SS4Rec" in text
    assert text.index("epochs 12 command line") < text.index("All 6 values") < text.index("learning_rate 0.001")
    assert path.stat().st_size < 100_000 and (folder / "model_card.md").is_file()


def test_the_splits_stand_beside_a_random_one(make_run: MakeRun, result: dict[str, Any]) -> None:
    found = {"measure": "items_js", "title": "items, Jensen-Shannon distance", "value": 0.31, "random": 0.12}
    shares = {"measure": "unknown_items", "title": "rows of items that are not known", "value": 0.25, "random": 0.01}
    found, shares = ({**each, "split": "test", "is_share": each is shares} for each in (found, shares))
    folder = make_run({**result, "split_distances": [found, shares]})
    write_report(folder)
    text = plain(folder)
    assert "from training test test, random" in text and "items, Jensen-Shannon distance 0.3100 0.1200" in text
    assert "rows of items that are not known 25.0% 1.0%" in text


def test_the_sentence_on_baselines_knows_what_is_better(result: dict[str, Any]) -> None:
    errors = {"model": "M", "valid_metric": "RMSE", "valid_metric_bigger": False, "test": {"rmse": 0.9}}
    errors["baselines"] = {"mean": {"rmse": 1.1}, "bias": {"rmse": 0.95}}
    assert against_baselines(errors) == (
        "M is ahead of the best non-learned baseline, bias: test rmse 0.9000 against 0.9500 (-0.0500, not tested over "
        "users)."
    )
    assert against_baselines(errors | {"standard_errors_from_best": -3.0}) == (
        "M beats the best non-learned baseline, bias: test rmse 0.9000 against 0.9500 (-0.0500, 3.0 standard errors "
        "over users)."
    )
    assert "No non-learned baseline" in against_baselines({**result, "baselines": {}})


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            {"event": "failed", "text": "a NaN in layer 3"},
            "This run failed at an unknown time, after 6 epochs",
        ),
        ({"event": "interrupted", "text": "saved"}, "This run was interrupted"),
        ({"event": "started"}, "it is in progress, or was killed"),
    ],
)
def test_a_run_that_ended_early_says_so(make_run: MakeRun, event: dict[str, Any], message: str) -> None:
    folder = make_run(result=None, end=event)
    write_report(folder)
    text = plain(folder)
    assert message in text and "no test result" in text and event.get("text", "") in text
    assert "NOT YET hit@10" in text and "Validation ndcg@10" in text and "Result" not in text


def test_a_run_that_only_chose_has_no_test_result(make_run: MakeRun, result: dict[str, Any]) -> None:
    folder = make_run(result={**result, "test": None, "baselines": {}})
    write_report(folder)
    assert "Finished at" in plain(folder) and "Result" not in plain(folder)
    assert "None: there is no test result." in (folder / "model_card.md").read_text()


def test_gate_and_latent_vector_have_their_charts(make_run: MakeRun) -> None:
    gate = {f"gate_static_{name}": [0.1 * e for e in range(6)] for name in ("mean", "std", "min", "max", "events_5")}
    latent = {"kl": [3.0] * 6, "active_units": [2] * 6} | {f"kl_d{k}": [k] * 6 for k in range(20)}
    folder = make_run(columns=gate | latent | {"train_valid_gap": [0.01] * 6, "train_ndcg@10": [0.2] * 6})
    write_report(folder)
    text = plain(folder)
    for words in ("By activity of the user", "5 events or more", "KL, the largest 8 of 20", "Active units"):
        assert words in text
    assert "dimension 19" in text and "dimension 3 " not in text and "training rows, evaluation mode" in text


def test_ratings_and_clicks_tell_their_own(make_run: MakeRun, result: dict[str, Any]) -> None:
    of = {"n": 12, "rmse": 0.9, "mae": 0.7, "r2": 0.3, "correlation": 0.6}
    ratings = {"all": of, "groups": {"new items": of}, "by_star": {"5": {"n": 3, "rmse": 1.0, "bias": -0.9}}}
    audit = {"findings": [{"name": "scaled_targets", "text": "the truth lies in [0, 1]"}]}
    bins = {"rows": [0, 9, 9], "predicted": [0.0, 0.4, 0.8], "observed": [0.0, 0.3, 0.9]}
    more = {"ratings": ratings, "audit": audit, "clicks": {"reliability": bins}, "warnings": ["posterior collapse"]}
    more["test_intervals"] = {"SS4Rec": {"ndcg@10": [0.07, 0.09]}}
    folder = make_run(result=result | more)
    write_report(folder)
    text = plain(folder)
    assert "new items 12 0.9000" in text and "FAIL scaled_targets the truth lies" in text
    assert "95 % from - 0.0700" in text and "Reliability on the test split" in text
    assert "WARNING posterior collapse" in text


def test_no_name_is_markup_and_no_secret_is_told(make_run: MakeRun, result: dict[str, Any]) -> None:
    evil, token = "<script>alert(1)</script>", "hf_abcdefghijklmnopqrstuvwx"
    config = f'model: "{evil}"  # {evil}.yaml:1\ndataset: "{evil}"  # x\nnote: {token}  # command line\n'
    message = {**result, "model": evil, "baselines": {evil: {"ndcg@10": 0.1}}}
    folder = make_run(result=message, config=config, columns={evil: [0.5] * 6})
    write_report(folder)
    page = (folder / "report.html").read_text()
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8  # title, headings, tables, charts, settings
    for name in ("report.html", "model_card.md"):
        text = (folder / name).read_text()
        assert "<script" not in text and token not in text and "&lt;script" in text


def test_a_report_that_cannot_be_written_costs_the_run_nothing(make_run: MakeRun, capsys: Any) -> None:
    folder = make_run()
    (folder / "report.html").mkdir()
    leave_report(folder)
    said = capsys.readouterr()
    assert "warning: no report of" in said.err and f"recbole-ext report {folder}" in said.err and said.out == ""
    (folder / "config.yaml").write_text("a: [")
    leave_report(folder)
    assert "warning: no report of" in capsys.readouterr().err


def test_a_run_without_an_epoch_leaves_no_report(make_run: MakeRun, capsys: Any) -> None:
    folder = make_run()
    os.remove(folder / "metrics.csv")
    leave_report(folder)
    assert capsys.readouterr() == ("", "") and not (folder / "report.html").exists()


def test_the_command_writes_it_again(make_run: MakeRun, capsys: Any) -> None:
    folder = make_run()
    assert main(["report", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"report      {folder}/report.html" in out and "finding     no better than" in out
    assert main(["report"]) == 2
    assert main(["report", str(folder), "--open=1"]) == 2
    assert main(["report", str(folder / "none")]) == 2


def small(make_config: Callable[..., Config], root: Path, **given: Any) -> Config:
    return make_config("SASRec", root, "ml-100k", epochs=2, hidden_size=8, inner_size=8, loss_type="CE", **given)


@pytest.mark.slow
def test_a_run_leaves_it_at_its_end(make_config: Callable[..., Config], small_ml_100k: Path, capsys: Any) -> None:
    message = run(small(make_config, small_ml_100k), ["x"], at_end=leave_report)
    folder = Path(message["run_directory"])
    assert "Finished at" in plain(folder) and f"report      {folder}/report.html" in capsys.readouterr().out
    assert json.loads((folder / "result.json").read_text())["parameters"] > 1000


@pytest.mark.slow
def test_a_run_that_fails_leaves_it_too(
    make_config: Callable[..., Config], small_ml_100k: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small(make_config, small_ml_100k)
    before = Keeper.before_epoch

    def fail(self: Keeper) -> None:
        before(self)
        if self.state.epoch == 1:
            raise NonFiniteError("the loss is NaN")

    monkeypatch.setattr(Keeper, "before_epoch", fail)
    with pytest.raises(NonFiniteError, match="the loss is NaN"):
        run(config, ["x"], at_end=leave_report)
    text = plain(next(Path(config["runs_dir"]).iterdir()))
    assert "This run failed at" in text and "after 1 epoch, and has no test result. CAUSE the loss is NaN" in text
