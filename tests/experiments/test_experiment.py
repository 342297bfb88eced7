import hashlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import ResourceError
from recbole_ext.experiments import seed_runs
from recbole_ext.experiments.attempts import Attempt, Journal, now
from recbole_ext.experiments.experiment import read_experiment
from recbole_ext.experiments.standing import standing
from recbole_ext.pipeline import train as quick_start
from recbole_ext.report.page import Page
from tests.written_runs import RESULT

Made = Callable[..., Path]


def printed_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Traceback" not in error
    return error


def states(folder: Path) -> list[tuple[int, str]]:
    return [(attempt.seed, attempt.state) for attempt in Journal(folder / "runs.jsonl").attempts()]


@pytest.mark.slow
def test_an_experiment_is_made_run_listed_and_shown(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made("--set", "training.epochs=1", "--modifications", '{"criteria": ["best_epoch in [1, 1]"]}')
    facts, settings = read_yaml(folder / "experiment.yaml")[0], read_yaml(folder / "settings.yaml")[0]
    assert (facts["model"], facts["dataset"], facts["seeds"], facts["template"]) == (
        "SASRec",
        "made",
        [1, 2],
        "tiny.yaml",
    )
    assert len(facts["template_sha256"]) == 64 and settings["epochs"] == 1 and "seeds" not in settings
    assert facts["origins"]["epochs"] == "--set training.epochs" and facts["origins"]["hidden_size"] == "tiny.yaml:6"
    assert main(["experiment", "run", "t"]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 seeds, 2 of 2 attempts finished" in out
    assert "PASS        best_epoch in [1, 1]  (2 of 2 seeds; mean 1)" in out and " to " in out
    runs = sorted((folder / "runs").iterdir())
    results = {r["protocol"]["seed"]: r for r in (json.loads((run / "result.json").read_text()) for run in runs)}
    values = standing(read_experiment(Path("experiments"), "t")).values("test", "ndcg@2")
    assert values == {seed: results[seed]["test"]["ndcg@2"] for seed in (1, 2)}
    assert main(["experiment", "list"]) == 0
    line = capsys.readouterr().out.splitlines()[1].split()
    assert line[:5] == ["t", "SASRec", "made", "2/2", "2/2"] and line[-4] == "ndcg@2"
    assert main(["experiment", "show", "t"]) == 0
    out = capsys.readouterr().out
    assert "epochs = 1  # --set training.epochs" in out and "hidden_size = 8  # tiny.yaml:6" in out
    page = (folder / "report.html").read_text()
    assert "best_epoch in [1, 1]" in page and "--set training.epochs" in page and "95 %" in page


@pytest.mark.slow
def test_what_is_finished_is_not_run_again_and_what_is_missing_is(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made("--seeds=1")
    assert main(["experiment", "run", "t"]) == 0
    assert "1 of 1 seeds: no interval, and no statement on variance is possible" in capsys.readouterr().out
    assert main(["experiment", "run", "t", "--seeds", "1,3"]) == 0
    assert "seed 1 (1 of 2) is finished" in capsys.readouterr().out
    assert states(folder) == [(1, "finished"), (3, "finished")]
    assert read_experiment(Path("experiments"), "t").seeds == [1, 3]


@pytest.mark.slow
def test_a_failed_criterion_is_6(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made("--set", "seed=1", "--set", "criteria=[best_epoch > 5, ndcg@2 >= 0]")
    assert main(["experiment", "run", "t"]) == 6
    assert "FAIL        best_epoch > 5  (0 of 1 seeds; mean" in capsys.readouterr().out
    assert main(["experiment", "show", "t"]) == 6


@pytest.mark.slow
def test_a_process_that_died_without_a_word_is_seen_and_its_seed_continued(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made("--set", "seed=1")
    Journal(folder / "runs.jsonl").start(1)
    with (folder / "runs.jsonl").open("a") as file:
        file.write('{"event": "end", "att')
    assert main(["experiment", "show", "t"]) == 0
    out = capsys.readouterr().out
    assert "crashed     seed 1" in out and "the process ended without a word" in out
    assert "0 of 1 attempts finished" in out and "no seed has finished" in out
    assert main(["experiment", "run", "t"]) == 0
    assert states(folder) == [(1, "crashed"), (1, "finished")]
    assert "1 of 1 seeds, 1 of 2 attempts finished" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_breaks_off_is_recorded_and_continued_to_the_same_result(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made("--set", "seed=1")
    write = quick_start.RunDirectory.append_metrics

    def broken(self: quick_start.RunDirectory, row: dict[str, object]) -> None:
        write(self, row)
        if row["epoch"] == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(quick_start.RunDirectory, "append_metrics", broken)
        assert main(["experiment", "run", "t"]) == 130
    assert "experiment run t" in capsys.readouterr().err
    assert states(folder) == [(1, "interrupted")]
    assert main(["experiment", "run", "t"]) == 0
    assert len(list((folder / "runs").iterdir())) == 1 and states(folder)[1] == (1, "finished")
    assert "interrupted by Ctrl-C" in capsys.readouterr().out
    assert main(["experiment", "create", "tiny.yaml", "whole", "--set", "seed=1"]) == 0
    assert main(["experiment", "run", "whole"]) == 0
    parts, whole = (next((f / "runs").iterdir()) / "result.json" for f in (folder, folder.parent / "whole"))
    assert json.loads(parts.read_text())["test"] == json.loads(whole.read_text())["test"]


@pytest.mark.slow
def test_numbers_that_are_not_finite_end_a_seed_and_not_the_experiment(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made("--set", "learning_rate=1e30")
    assert main(["experiment", "run", "t"]) == 5
    assert states(folder) == [(1, "crashed"), (2, "crashed")]
    assert "crashed     seed 2" in capsys.readouterr().out


def test_a_fault_of_the_data_is_recorded_and_stops_the_rest(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made("--set", "user_inter_num_interval='[50,inf)'")
    assert main(["experiment", "run", "t"]) == 3
    assert "no interaction is left" in printed_error(capsys)
    (attempt,) = Journal(folder / "runs.jsonl").attempts()
    assert (attempt.state, attempt.run) == ("crashed", "") and "no interaction is left" in attempt.cause


def test_a_seed_with_a_result_is_done_and_damaged_or_refused_files_hide_nothing(
    made: Made, make_run: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made("--seeds=7,8")
    make_run({key: value for key, value in RESULT.items() if key != "best_epoch"}).rename(folder / "runs" / "one")
    (folder / "runs" / "two").mkdir()
    (folder / "runs" / "two" / "config.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "runs" / "two" / "link").symlink_to("nowhere")
    (folder / "runs" / "three").mkdir()
    (folder / "runs" / "three" / "config.yaml").write_text("seed: 8\n")
    (folder / "runs" / "three" / "link").symlink_to("nowhere")
    Journal(folder / "runs.jsonl").record(Attempt(1, 7, "one", now(), now(), "crashed", "no space", 0.1))
    assert main(["experiment", "show", "t"]) == 0
    out = capsys.readouterr().out
    assert "1 of 2 seeds" in out and "no space" in out and "page        experiments/t/report.html" in out

    def refused(page: Page, path: Path) -> None:
        raise ResourceError(f"cannot write {path}")

    monkeypatch.setattr(Page, "write", refused)
    assert main(["experiment", "show", "t"]) == 4
    out, err = capsys.readouterr()
    assert "1 of 2 seeds" in out and "cannot write" in err


def test_the_hash_is_that_of_the_users_own_template(tiny: Path) -> None:
    own = tiny / "experiment" / "ss4rec-sparse.yaml"
    own.parent.mkdir()
    (tiny / "tiny.yaml").rename(own)
    assert main(["experiment", "create", "experiment/ss4rec-sparse.yaml", "t"]) == 0
    facts = read_yaml(tiny / "experiments" / "t" / "experiment.yaml")[0]
    assert facts["template_sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()


def test_a_second_process_is_refused(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made()
    with read_experiment(Path("experiments"), "t").held():
        assert main(["experiment", "run", "t"]) == 4
    assert "the experiment t is being run by another process" in printed_error(capsys)


def test_torchrun_is_refused(made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made()
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["experiment", "run", "t"]) == 2
    assert "works in a single process; start without torchrun" in printed_error(capsys)


@pytest.mark.slow
def test_different_data_never_share_a_mean(made: Made, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made()
    assert main(["experiment", "run", "t", "--seeds=1"]) == 0
    with (tiny / "made" / "made.inter").open("a") as file:
        file.write("1\t5\t90000\n")
    assert main(["experiment", "run", "t"]) == 0
    out = capsys.readouterr().out
    assert "measured under different protocols or data" in out and "\nmean" not in out.split("2 of 2 seeds")[-1]


@pytest.mark.slow
def test_seeds_of_the_main_command_are_an_experiment(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model=SASRec", "--dataset=made", "--config_files=tiny.yaml", "--epochs=1"]
    assert main([*words, "--seeds=4,5"]) == 0
    assert "2 of 2 seeds" in capsys.readouterr().out
    (folder,) = (tiny / "experiments").iterdir()
    assert folder.name.startswith("SASRec-made-") and not (tiny / "runs").exists()
    assert main([*words, "--seeds=[5, 6]", "--criteria=[best_epoch > 5]"]) == 6
    out = capsys.readouterr().out
    assert "seed 5 (1 of 2) is finished" in out and "3 of 3 seeds" in out
    assert [each.name for each in (tiny / "experiments").iterdir()] == [folder.name]
    assert main([*words, "--seeds=4", "--hidden_size=4"]) == 0
    assert len(list((tiny / "experiments").iterdir())) == 2


def test_a_single_run_says_that_it_takes_one_of_the_seeds(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model=SASRec", "--dataset=made", "--config_files=tiny.yaml", "--epochs=1", "--seed=7"]) == 0
    out = capsys.readouterr().out
    assert "tiny.yaml:19 names 2 seeds; this run takes 7 alone. All of them: --seeds=1,2" in out
    assert not (tiny / "experiments").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["create", "tiny.yaml"],
            "experiment create needs NAME\nusage: recbole-ext experiment create TEMPLATE NAME [OPTIONS]",
        ),
        (["create", "hybrid_vae_optimised", "x"], "did you mean 'hybrid-vae-optimized'"),
        (["create", "tiny.yaml", "../x"], "the name of an experiment must be 1 to 64 letters"),
        (["create", "tiny.yaml", "x", "--set", "training.epoch=3"], "unknown key 'epoch'; did you mean 'epochs'"),
        (["create", "tiny.yaml", "x", "--set", "epochs"], "--set needs NAME=VALUE"),
        (["create", "tiny.yaml", "x", "--set", "epochs=many"], "epochs must be of type int"),
        (["create", "tiny.yaml", "x", "--set", "runs_dir=y"], "the runs of an experiment lie in its folder"),
        (["create", "tiny.yaml", "x", "--set", "seed=1", "--seeds=2"], "give seed or seeds, not both"),
        (["create", "tiny.yaml", "x", "--seeds=a"], "seeds must be whole numbers"),
        (["create", "tiny.yaml", "x", "--modifications", "{"], "--modifications: '{' is no JSON"),
        (["create", "tiny.yaml", "x", "--modifications", "[1]"], "--modifications must be a JSON object"),
        (["create", "tiny.yaml", "x", "--modifications", '{"a": {"epochs": 1}, "epochs": 2}'], "epochs is given twice"),
        (["create", "tiny.yaml", "x", "--epochs=3"], "unknown option --epochs; a setting is --set epochs=VALUE"),
        (["create", "tiny.yaml", "x", "--model=SASRek"], "no model named 'SASRek'; did you mean 'SASRec'"),
        (["run", "t2"], "there is no experiment 't2' in experiments; did you mean 't'"),
        (["run", "t", "--seed=2"], "experiment run: unknown option --seed; did you mean 'seeds'"),
        (["show"], "experiment show needs NAME\nusage: recbole-ext experiment show NAME [OPTIONS]"),
        (["shwo", "t"], "experiment needs one of create, run, list, show, import (got 'shwo'); did you mean 'show'"),
        ([], "experiment needs one of"),
    ],
    ids=" ".join,
)
def test_wrong_words(words: list[str], message: str, made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made()
    assert main(["experiment", *words]) == 2
    assert message in printed_error(capsys)
    assert [each.name for each in folder.parent.iterdir()] == ["t"]


def test_more_wrong_words(made: Made, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made()
    assert main(["experiment", "create", "tiny.yaml", "t"]) == 2
    assert "there is an experiment t in experiments; choose another name" in printed_error(capsys)
    (tiny / "bare.yaml").write_text("epochs: 1\n")
    assert main(["experiment", "create", "bare.yaml", "x"]) == 2
    assert "bare.yaml names no model; add --model=NAME" in printed_error(capsys)
    words = ["--model=SASRec", "--dataset=made", "--config_files=tiny.yaml"]
    assert main([*words, "--seeds=1", "--resume"]) == 2
    assert "leave --resume out" in printed_error(capsys)
    assert main([*words, "--seeds=1", "--seed=2"]) == 2
    assert "give seed or seeds, not both" in printed_error(capsys)
    assert main([*words, "--seeds=1", "--runs_dir=x"]) == 2
    assert "the runs of an experiment lie in its folder" in printed_error(capsys)
    assert main(["--model=SASRec", "--dataset=mode", "--config_files=tiny.yaml", "--seeds=1"]) == 2
    assert "there is no data set named 'mode'" in printed_error(capsys)
    assert [each.name for each in (tiny / "experiments").iterdir()] == ["t"]
    assert main([*words, "--seeds=one"]) == 2
    assert "seeds must be whole numbers" in printed_error(capsys)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "create", "--help"]) == 0
    assert "--set KEY=VALUE" in capsys.readouterr().out


def test_no_experiments_yet(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "list"]) == 0
    out = capsys.readouterr().out
    assert "no experiments in experiments" in out and "hybrid-vae-optimized" in out


def test_sections_and_parts_of_settings(made: Made) -> None:
    folder = made("--set", "evaluation.eval_args.mode=uni5", "--modifications", '{"optim": {"epochs": 7}, "seed": 9}')
    settings = read_yaml(folder / "settings.yaml")[0]
    assert settings["eval_args"] == {"mode": "uni5"} and settings["epochs"] == 7
    assert read_experiment(Path("experiments"), "t").seeds == [9]


def test_the_command_of_a_run_repeats_it(made: Made) -> None:
    folder = made("--set", "seed=1", "--set", "epochs=1")
    assert main(["experiment", "run", "t"]) == 0
    (run,) = (folder / "runs").iterdir()
    words = (run / "command.txt").read_text().split()
    settings = "--config_files=experiments/t/settings.yaml"
    assert words == ["recbole-ext", "--model=SASRec", "--dataset=made", settings, "--seed=1"]


def test_the_machinery_is_the_one_of_resume(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made("--set", "seed=1")
    asked: list[str | None] = []

    def noted(config: object, command: list[str], resume: str | None, at_end: object) -> dict[str, object]:
        asked.append(resume)
        return {}

    monkeypatch.setattr(seed_runs, "run", noted)
    main(["experiment", "run", "t"])
    assert asked == ["newest"]


def test_an_imported_or_unseeded_experiment_is_not_run(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (tiny / "tiny.yaml").read_text().replace("seeds: [1, 2]\n", "")
    (tiny / "unseeded.yaml").write_text(text)
    assert main(["experiment", "create", "unseeded.yaml", "u"]) == 0
    assert "none yet: add --seeds=42,123,456" in capsys.readouterr().out
    assert main(["experiment", "run", "u"]) == 2
    assert "u has no seeds; add --seeds=42,123,456" in printed_error(capsys)


def test_a_damaged_experiment(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made()
    (folder / "runs.jsonl").write_text("nonsense\n{}\n")
    assert main(["experiment", "show", "t"]) == 3
    assert "runs.jsonl:1: this line is damaged" in printed_error(capsys)
    (folder / "experiment.yaml").write_text("a: 1\n")
    assert main(["experiment", "show", "t"]) == 3
    assert "cannot read experiments/t/experiment.yaml" in printed_error(capsys)


@pytest.mark.parametrize(
    ("file", "shown"), [("runs.jsonl", "this line is damaged"), ("experiment.yaml", "cannot read")]
)
def test_a_damaged_experiment_hides_no_other_one(
    file: str, shown: str, made: Made, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made()
    assert main(["experiment", "create", "tiny.yaml", "u"]) == 0
    (folder / file).write_text("nonsense\n{}\n")
    capsys.readouterr()
    assert main(["experiment", "list"]) == 3
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == ["name", "u"]
    assert shown in printed.err and f"experiments/t/{file}" in printed.err


@pytest.mark.slow
def test_messages_of_one_start_are_asked_for_on_the_command_line(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from recbole_ext.training.tracking import notify

    folder = made("--seeds=1")
    assert main(["experiment", "run", "t", "--notify=discord"]) == 2
    assert "notify: discord needs an address" in printed_error(capsys) and states(folder) == [(1, "crashed")]
    sent: list[str] = []
    monkeypatch.setattr(notify, "send", lambda address, body: sent.append(body["content"]))
    monkeypatch.setenv("DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/1/x")
    assert main(["experiment", "run", "t", "--notify=discord"]) == 0
    assert len(sent) >= 1 and "finished: test" in sent[-1]


@pytest.mark.slow
def test_a_seed_that_its_budget_ended_goes_on_with_a_larger_one(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made("--seeds=1")
    words = ["experiment", "run", "t", "--price-per-hour=3600"]
    assert main([*words, "--budget=0.000001"]) == 0
    out = capsys.readouterr().out
    assert "hours, cost " in out and "the budget ended the training of seeds 1; a larger one goes on" in out
    assert main([*words, "--budget=0.000001"]) == 0
    assert "seed 1 (1 of 1) was ended by its budget" in capsys.readouterr().out
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "the budget ended" not in out and "cost" in out
    (run,) = (folder / "runs").glob("*/result.json")
    assert json.loads(run.read_text())["ended_by"] != "budget"
