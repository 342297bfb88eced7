import hashlib
import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, InterruptedRun, NonFiniteError, ResourceError, UsageError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.new_directory import way_on
from recbole_ext.pipeline.train import run
from recbole_ext.runs.checkpoint import read_description
from recbole_ext.runs.recorded import run_folder
from recbole_ext.runs.resume import differing_keys, open_run, settings_of
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.tensor_tree import flatten, unflatten
from recbole_ext.training.attributes import changed_attributes, first_attributes, set_attributes
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.session import Session
from recbole_ext.training.tracking.resources import OF_MACHINE
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter
from tests.training.conftest import ROWS, SIZES

OURS = {**SIZES, "dropout_prob": 0.3, "epochs": 3, "train_batch_size": 16, "stopping_step": 20}
GENERAL = {k: v for k, v in OURS.items() if k not in ("hidden_size", "d_state", "dropout_prob")}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "windows": ("Mamba4Rec", OURS),
    "prefix rows, sampled evaluation": (
        "SS4Rec",
        OURS | {"s5_state_size": 4, "train_mode": "prefix", "loss_type": "BPR", "eval_args": {"mode": "uni3"}},
    ),
    "sampled softmax, AdamW, accumulation": (
        "Mamba4Rec",
        OURS | {"loss_type": "sampled_softmax", "n_negatives": 4, "learner": "adamw", "accumulate_batches": 2},
    ),
    "sparse": ("Mamba4Rec", OURS | {"loss_type": "gBCE", "n_negatives": 4, "sparse_embedding": True}),
    "SASRec": ("SASRec", GENERAL | {"loss_type": "CE"}),
    "general, sampled negatives": ("BPR", GENERAL),
    "general, graph": ("SGL", GENERAL),
    "cosine, EMA, clipped": (
        "Mamba4Rec",
        OURS | {"lr_schedule": "cosine", "warmup_steps": 5, "averaging": "ema", "clip_grad_norm": {"max_norm": 0.5}},
    ),
    "SWA, decay of weights": (
        "Mamba4Rec",
        OURS | {"averaging": "swa", "swa_start_share": 0.3, "weight_decay": 0.1, "learner": "adamw"},
    ),
}


@pytest.fixture
def configure(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    root = write_inter(tmp_path, "made", ROWS)
    return lambda case="windows", **given: make_config(CASES[case][0], root, **{**CASES[case][1], **given})


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch, method: str = "after_step") -> None:
    """The `step`-th call of a method of the trainer or of its keeper finds that SIGTERM has come."""
    owner: Any = Keeper if hasattr(Keeper, method) else RunTrainer
    original, calls = getattr(owner, method), []

    def watched(self: Any, *arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == step:
            self.session.signals.received = signal.SIGTERM
        return original(self, *arguments, **named)

    monkeypatch.setattr(owner, method, watched)


def weights_hash(folder: Path, name: str = "last") -> str:
    description = json.loads((folder / "checkpoint" / f"{name}.json").read_text())
    tensors = load_file(folder / "checkpoint" / description["tensors"])
    kept = sorted((k, v) for k, v in tensors.items() if k.startswith("weights."))
    return hashlib.sha256(b"".join(k.encode() + v.numpy().tobytes() for k, v in kept)).hexdigest()


def outcome(folder: Path) -> list[Any]:
    """Everything that must not depend on an interruption."""
    result = json.loads((folder / "result.json").read_text())
    lines = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]
    columns = [n for n, name in enumerate(lines[0]) if "seconds" not in name and not name.startswith(OF_MACHINE)]
    rows = [[line[n] for n in columns] for line in lines]
    numbers = [result[key] for key in ("best_epoch", "epochs_trained", "valid", "test", "baselines")]
    return [weights_hash(folder), weights_hash(folder, "best"), rows, numbers]


def whole(config: Config) -> list[Any]:
    return outcome(Path(run(config)["run_directory"]))


def interrupted(config: Config, monkeypatch: pytest.MonkeyPatch, step: int, method: str = "after_step") -> None:
    with monkeypatch.context() as patch:
        interrupt_at(step, patch, method)
        with pytest.raises(
            InterruptedRun, match=r"the state of training is saved; continue with: .* --resume="
        ) as shown:
            run(config)
    assert shown.value.exit_code == 143


def test_under_torchrun_resume_is_refused_and_nothing_promised(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure("windows")
    config.placement = replace(config.placement, world_size=2)
    with pytest.raises(UsageError, match="--resume works in a single process"):
        open_run(config, "newest")
    directory: Any = SimpleNamespace(path=Path("runs/x"), checkpoints=Path("runs/x/checkpoint"))
    keeper: Any = SimpleNamespace(keeps=False)
    assert (
        way_on(Session(directory), keeper, ["python", "run.py"])
        == "this run cannot be continued; what it has is in runs/x"
    )


@pytest.mark.parametrize("error", [NonFiniteError("nan"), ResourceError("hang")], ids=["nan", "hang"])
def test_a_run_that_stops_with_a_fault_says_how_to_go_on(
    error: Exception, configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(self: Keeper) -> None:
        raise error

    monkeypatch.setattr(Keeper, "before_epoch", fault)
    with pytest.raises(type(error), match=r"the state of training is saved; continue with: .* --resume="):
        run(configure("windows"))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_run_ends_like_one_that_was_not(
    case: str, configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(configure(case))
    for step in (2, 5):
        torch.manual_seed(step)
        interrupted(configure(case), monkeypatch, step)
        result = run(configure(case), resume="newest")
        assert outcome(Path(result["run_directory"])) == expected


@pytest.mark.slow
@pytest.mark.parametrize("method", ["before_batch", "before_epoch"])
def test_interrupted_while_validating_or_between_epochs(
    method: str, configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = whole(configure())
    interrupted(configure(), monkeypatch, 2, method)
    assert outcome(Path(run(configure(), resume="newest")["run_directory"])) == expected


@pytest.mark.slow
def test_interrupted_while_testing(configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(configure())
    interrupted(configure(), monkeypatch, 1, "evaluation")
    assert outcome(Path(run(configure(), resume="newest")["run_directory"])) == expected


@pytest.mark.slow
def test_interrupted_twice(configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(configure())
    interrupted(configure(), monkeypatch, 2)
    with monkeypatch.context() as patch:
        interrupt_at(3, patch)
        with pytest.raises(InterruptedRun):
            run(configure(), resume="newest")
    result = run(configure(), resume="newest")
    assert outcome(Path(result["run_directory"])) == expected
    assert result["run_directory"] != run(configure())["run_directory"]


def test_without_an_unfinished_run_a_new_one_starts(configure: Callable[..., Config], tmp_path: Path) -> None:
    run(configure(epochs=1), resume="newest")
    run(configure(epochs=1), resume="newest")
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.slow
def test_the_newest_run_is_one_of_the_same_configuration(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupted(configure(), monkeypatch, 2)
    (folder,) = (tmp_path / "runs").iterdir()
    other = run(configure(learning_rate=0.5), resume="newest")
    assert other["run_directory"] != str(folder)
    assert run(configure(save_seconds=7), resume="newest")["run_directory"] == str(folder)


def test_another_configuration_is_refused_with_the_keys(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupted(configure(), monkeypatch, 2)
    (folder,) = (tmp_path / "runs").iterdir()
    assert differing_keys(settings_of(configure()), folder) == []
    message = r"learning_rate \(the run: 0\.01, now: 0\.5\); topk \(the run: \[2\], now: \[3, 2\]\)\nleave these keys"
    with pytest.raises(UsageError, match=message):
        run(configure(learning_rate=0.5, topk=[3, 2]), resume=folder.name)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [None, 2], ids=["set back", "asked for"])
def test_the_number_of_threads_is_part_of_the_state(
    asked: int | None,
    configure: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    torch.set_num_threads(3)
    interrupted(configure(), monkeypatch, 2)
    (folder,) = (tmp_path / "runs").iterdir()
    assert read_description(folder / "checkpoint", "last")["threads"] == 3
    torch.set_num_threads(1)
    run(configure(epochs=3, torch_threads=asked), resume="newest")
    assert torch.get_num_threads() == (asked or 3)
    said = [message for message in caplog.messages if "threads" in message]
    assert [
        re.search(r"saved with 3 threads and training goes on with 2: ", message) is not None for message in said
    ] == [True] * (asked is not None)


def test_the_state_of_another_run_is_refused(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for seed in (1, 2):
        interrupted(configure(seed=seed), monkeypatch, 2)
    first, second = sorted((tmp_path / "runs").iterdir(), key=lambda path: (path / "config.yaml").stat().st_mtime_ns)
    for path in (first / "checkpoint").glob("last*"):
        (second / "checkpoint" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"last\.json is of another run: seed was 1 when it was saved, and is 2 in"):
        run(configure(seed=2), resume=second.name)


def test_other_data_are_refused(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupted(configure(), monkeypatch, 2)
    write_inter(tmp_path, "made", [*ROWS, (0, 5, 999_999)])
    with pytest.raises(DataError, match=r"made.inter is not what Mamba4Rec-made-\S+ was trained on.*\n.*sha256"):
        run(configure(), resume="newest")


def test_runs_that_cannot_be_continued(configure: Callable[..., Config], tmp_path: Path) -> None:
    root = tmp_path / "runs"
    result = run(configure(epochs=1))
    name = Path(result["run_directory"]).name
    with pytest.raises(UsageError, match=r"this run is finished; its result is in .*result\.json"):
        run(configure(epochs=1), resume=name)
    (root / name / "result.json").unlink()
    held = RunDirectory(root / name)
    with pytest.raises(ResourceError, match="belongs to a run that is still going on"):
        run(configure(epochs=1), resume=name)
    held.release()
    (root / name / "checkpoint" / "last.json").unlink()
    with pytest.raises(UsageError, match="this run has no saved state; start a new one"):
        run(configure(epochs=1), resume=name)
    for wrong in ("../made", "/etc", "..", ".", f"../runs/../runs/{name}/..", "none", "a\nb"):
        with pytest.raises(UsageError, match=r"a run is named by its folder in|there is no run of this name"):
            run_folder(root, wrong)
    assert run_folder(root, str(root / name)) == root / name


@pytest.mark.slow
def test_resume_alone_is_enough_on_the_command_line(
    configure: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = whole(configure())
    interrupted(configure(), monkeypatch, 3)
    (folder,) = [f for f in (tmp_path / "runs").iterdir() if not (f / "result.json").exists()]
    words = [f"--resume={folder.name}", f"--runs_dir={tmp_path / 'runs'}"]
    assert main([*words, "--learning_rate=0.5"]) == 2
    assert "learning_rate (the run: 0.01, now: 0.5)" in capsys.readouterr().err
    assert main(words) == 0
    assert outcome(folder) == expected


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_signals_save_and_end_with_their_code(
    number: int,
    code: int,
    configure: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    configure()
    original, calls, handlers = Keeper.after_step, [], []

    def signalled(self: Keeper) -> None:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), number)
            handlers.extend(signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM))
        original(self)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Keeper, "after_step", signalled)
    given = {**OURS, "data_path": tmp_path, "runs_dir": tmp_path / "runs", "device": "cpu"}
    words = [f"--{key}={value}" for key, value in given.items()]
    assert (
        main(["--model=Mamba4Rec", "--dataset=made", "--load_col={inter: [user_id, item_id, timestamp]}", *words])
        == code
    )
    assert handlers == [signal.SIG_DFL, signal.SIG_DFL], "a second signal ends the process at once"
    assert signal.getsignal(signal.SIGINT) is before and len(calls) == 3
    (folder,) = (tmp_path / "runs").iterdir()
    shown = capsys.readouterr().err
    assert "continue with: recbole-ext --resume" in shown and f"--resume={folder.name} --runs_dir={tmp_path}" in shown
    assert read_description(folder / "checkpoint", "last")["epoch"] == 0


def test_a_graph_that_training_replaces_is_part_of_the_state() -> None:
    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kept, self.replaced, self.none = torch.ones(2), torch.eye(2).to_sparse(), None

    model, other = Model(), Model()
    first = first_attributes(model)
    assert changed_attributes(model, first) == {}
    model.replaced, model.none = (2 * torch.eye(2)).to_sparse(), torch.zeros(3)
    tensors: dict[str, torch.Tensor] = {}
    tree = flatten(changed_attributes(model, first), "attributes", tensors)
    set_attributes(other, unflatten(json.loads(json.dumps(tree)), tensors), torch.device("cpu"))
    assert torch.equal(other.replaced.to_dense(), 2 * torch.eye(2)) and torch.equal(other.none, torch.zeros(3))


@pytest.mark.slow
def test_the_order_of_the_data_does_not_depend_on_workers(configure: Callable[..., Config]) -> None:
    orders = []
    for worker in (0, 2):
        config = configure("SASRec", worker=worker, train_mode="prefix")
        batches = build_loaders(config, create_dataset(config)).train
        orders.append([batch["item_id"].tolist() for _ in range(2) for batch in batches])
    assert orders[0] == orders[1] and orders[0][0] != orders[0][len(orders[0]) // 2]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["windows", "general, sampled negatives"])
def test_resumed_with_workers(case: str, configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(configure(case, worker=2))
    interrupted(configure(case, worker=2), monkeypatch, 4)
    assert outcome(Path(run(configure(case, worker=2), resume="newest")["run_directory"])) == expected
