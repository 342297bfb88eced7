import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from recbole_ext.cli import main as cli
from recbole_ext.cli.all_commands import GROUPS, build_parser, parse
from recbole_ext.cli.main import main
from recbole_ext.cli.parser import Parser
from recbole_ext.config.layers import file_names
from recbole_ext.errors import UsageError
from recbole_ext.pipeline import train as quick_start
from recbole_ext.preflight import doctor

ROOT = Path(__file__).parents[2]
ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(8) for k in range(6)]
HEADER = "user_id:token\titem_id:token\ttimestamp:float"
TINY = [
    "--load_col={inter: [user_id, item_id, timestamp]}",
    "--epochs=1",
    "--hidden_size=8",
    "--d_state=2",
    "--MAX_ITEM_LIST_LENGTH=5",
    "--topk=[2]",
    "--valid_metric=NDCG@2",
    "--device=cpu",
    "--show_progress=False",
]


@pytest.fixture
def command(tmp_path: Path, write: Callable[..., Path]) -> Callable[..., list[str]]:
    """The words of a tiny run on a made data set; runs go to the test's folder."""

    def words(
        *more: str, model: str = "Mamba4Rec", rows: list[tuple[object, ...]] = ROWS, header: str = HEADER
    ) -> list[str]:
        write(tmp_path, "made", rows, header)
        return [
            f"--model={model}",
            "--dataset=made",
            f"--data_path={tmp_path}",
            f"--runs_dir={tmp_path / 'runs'}",
            *TINY,
            *more,
        ]

    return words


def printed_error(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to stderr: one message, and no traceback."""
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Traceback" not in error
    return error


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--seed=7"], {"seed": 7}),
        (["--seed", "7"], {"seed": 7}),
        (["--learning_rate=1e-3"], {"learning_rate": 0.001}),
        (["--topk", "[5, 10]"], {"topk": [5, 10]}),
        (["--data_path=1"], {"data_path": "1"}),
        (["--eval_args={mode: uni100}"], {"eval_args": {"mode": "uni100"}}),
        (["--a=b=c"], {"a": "b=c"}),
        (["--a="], {"a": None}),
        (["--user_inter_num_interval=[5,inf)"], {"user_inter_num_interval": "[5,inf)"}),
        (["--a", "-1"], {"a": -1}),
        (["--gpu_id=None"], {"gpu_id": None}),
        (["--train-batch-size=8"], {"train_batch_size": 8}),
        (["--field_separator=,", "--seq_separator= "], {"field_separator": ",", "seq_separator": " "}),
    ],
)
def test_options_and_values(words: list[str], given: dict[str, object]) -> None:
    assert parse(words).keys == given


def test_switches_and_commands() -> None:
    words = parse(["run", "--print_config", "--debug", "--seed", "1", "--dataset", "2024"])
    assert (words.command, words.keys, words.dataset) == ("run", {"seed": 1}, "2024")
    assert words.print_config == "all" and words.debug
    assert parse(["--print-config=changed"]).print_config == "changed"
    assert (parse([]).resume, parse(["--resume"]).resume, parse(["--resume=a"]).resume) == (None, "newest", "a")
    words = parse(["experiment", "create", "t", "n", "--set", "a=1", "--set=b.c=2", "--experiments_dir=x"])
    assert (words.command, words.template, words.name) == ("experiment create", "t", "n")
    assert (words.set, words.experiments_dir) == (["a=1", "b.c=2"], Path("x"))
    assert parse(["compare", "a", "b,c", "--json"]).runs == ["a", "b,c"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed=1", "--seed", "2"], "--seed is given twice"),
        (["--seed"], "--seed needs a value: --seed=VALUE"),
        (["--seed", "--epochs=1"], "--seed needs a value"),
        (["seed=1"], "unexpected word 'seed=1'; options are --key=value"),
        (["--seed=1", "doctor"], "unexpected word 'doctor'"),
        (["--debug=1"], "--debug takes no value"),
        (["compare"], r"compare needs RUN.EXPERIMENT\nusage: recbole-ext compare RUN.EXPERIMENT"),
        (["experiment"], "experiment needs one of create, run, list, show, import"),
        (["experiment", "creat"], "did you mean 'create'"),
        (["report", "a", "b"], "unexpected word 'b'"),
        (["completion", "ksh"], "invalid choice: 'ksh'"),
        (["diagnose", "a", "--colums={a: b}"], "diagnose: unknown option --colums; did you mean 'columns'"),
        (["diagnose", "a", "--settings=3"], "--settings must be a mapping"),
        (["--"], "unexpected word '--'"),
        (["-seed=1"], "unexpected word '-seed=1'"),
        (["trian", "--seed=1"], r"there is no command 'trian'; did you mean .*\ncommands: run, tune"),
        (["train", "--seed=1"], r"there is no command 'train'; did you mean 'run'"),
        (["compair", "runs/a"], "there is no command 'compair'; did you mean 'compare'"),
        (["--topk=[1"], r"--topk: cannot read the value '\[1' as YAML"),
        (["--=1"], "unexpected word '--=1'"),
        (
            ["report", "runs/x", "--json"],
            "report: unknown option --json; it is an option of continue and runs and evaluate and diagnose",
        ),
        (["rate", "--print_config"], "rate: unknown option --print_config; it is an option of run"),
    ],
)
def test_what_cannot_be_read(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=message):
        parse(words)
    assert main(words) == 2
    printed_error(capsys)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--model=SS4Rek", "--dataset=ml-100k"], "no model named 'SS4Rek'; did you mean 'SS4Rec'"),
        (["--model=SS4Rec", "--dataset=../ml-100k"], "--dataset must be 1 to 64 letters"),
        (
            ["--model=SS4Rec", "--dataset=ml-100k", "--metrics=[NDGC]"],
            "there is no metric named 'NDGC'; did you mean 'ndcg'",
        ),
        (["--model=SS4Rec", "--dataset=ml-100k", "--learner=adma"], "did you mean 'adam'"),
        (
            ["--model=SS4Rec", "--dataset=ml-100k", "--hiden_size=8"],
            "unknown key 'hiden_size'; did you mean 'hidden_size'",
        ),
        (["--model=SS4Rec", "--dataset=ml-100k", "--config_files=no.yaml"], "--config_files: no file 'no.yaml'"),
        (
            ["--model=SS4Rec", "--dataset=ml-100k", "--seed=!!python/object/apply:os.system ['touch X']"],
            "could not determine a constructor",
        ),
        (["--model=SS4Rec"], "--model and --dataset are required"),
        (["--modell=SS4Rec", "--dataset=ml-100k"], "(got --modell; did you mean 'model'?)"),
        (["--model=SS4Rec", "--datset=ml-100k"], "(got --datset; did you mean 'dataset'?)"),
        (["--model=SS4Rec", "--dataset=ml-100k", "--usr=customer"], "unknown key 'usr'; did you mean 'user'"),
        ([], "--model and --dataset are required"),
        (["keys", "SS4Rek"], "no model named 'SS4Rek'"),
    ],
)
def test_usage_faults_are_one_message_and_exit_2(
    more: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(more) == 2
    assert message in printed_error(capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_form_of_an_option_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """`--key=value` looks like a secret under the name of a key."""
    assert main(["seed=1"]) == 2
    assert printed_error(capsys) == "error: unexpected word 'seed=1'; options are --key=value or --key value\n"


def test_debug_shows_where_it_happened(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model=SS4Rek", "--dataset=ml-100k", "--debug"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Traceback") and error.endswith("All names: recbole-ext models\n")


def test_print_config_runs_nothing(
    command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(command("--print_config", "--seed=7")) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines() if line.startswith("seed ")] == [
        ["seed", "=", "7", "#", "command", "line"]
    ]
    assert not (tmp_path / "runs").exists()


def test_doctor_prints_its_report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "report", lambda quick: "all is well")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "all is well\n"


@pytest.mark.slow
def test_a_run_ends_with_0_and_one_directory(
    command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(command()) == 0
    out = capsys.readouterr().out
    (directory,) = (tmp_path / "runs").iterdir()
    assert str(directory) in out and "markov" in out and "protocol" in out
    assert "\r" not in out and "\x1b" not in out


BAD_FILES = {
    "wrong header": (
        "user\titem_id:token\ttimestamp:float",
        ROWS,
        r"made.inter:1: the header word 'user' is not field:type",
    ),
    "missing column": (
        "user_id:token\titem_id:token",
        [row[:2] for row in ROWS],
        "made.inter has no column 'timestamp', which load_col names\nit has user_id:token, item_id:token",
    ),
    "letters": (HEADER, [*ROWS[:4], (1, 2, "soon")], "made.inter:6: timestamp 'soon' is not a number"),
    "far future": (HEADER, [*ROWS[:4], (1, 2, "1e20")], "made.inter:6: timestamp '1e20' is not a time in seconds"),
    "no rows": (HEADER, [], "made.inter: the file has a header and no rows"),
    "short row": (HEADER, [*ROWS[:4], (1, 2)], "made.inter:6: the row has 2 columns, the header has 3"),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_bad_data_names_file_and_line_and_writes_nothing(
    fault: str, command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    header, rows, message = BAD_FILES[fault]
    assert main(command(header=header, rows=rows)) == 3
    assert message in printed_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_an_empty_file(command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = command()
    (tmp_path / "made" / "made.inter").write_text("")
    assert main(words) == 3
    assert "made.inter:1: the file is empty; expected a header such as user_id:token" in printed_error(capsys)
    assert not (tmp_path / "runs").exists()


def test_nothing_left_after_filtering(
    command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(command("--user_inter_num_interval=[50,inf)")) == 3
    assert "made: no interaction is left after filtering; loosen user_inter_num_interval" in printed_error(capsys)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "release"),
    [
        ("ml-1m", "ml-1m --download"),
        ("ml-20m-past", "ml-20m --download"),
        ("taobao", "taobao --input <zip or folder>"),
        ("other", "<release> --input <zip or folder>"),
    ],
)
def test_a_missing_data_set_comes_with_the_command_that_makes_it(
    name: str, release: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--model=SS4Rec", f"--dataset={name}", f"--data_path={tmp_path}", "--device=cpu"]) == 2
    error = printed_error(capsys)
    assert f"there is no data set named '{name}' in {tmp_path}" in error
    assert f"make it with: recbole-data convert {release} --output {tmp_path}" in error
    assert ("--input <zip or folder>" in error) and len(error.splitlines()) == 3


def test_a_misspelt_data_set_is_told_the_nearest_names(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--model=SS4Rec", "--dataset=ml-10k", f"--data_path={tmp_path}", "--device=cpu"]) == 2
    assert "did you mean 'ml-100k' or" in printed_error(capsys)


def test_an_empty_data_folder_is_a_data_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert main(["--model=SS4Rec", "--dataset=mine", f"--data_path={tmp_path}", "--device=cpu"]) == 3
    assert f"{tmp_path}/mine/mine.inter is missing" in printed_error(capsys)


def test_topk_above_the_catalogue(command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in command() if not word.startswith("--topk")]
    assert main([*words, "--topk=[2,50]"]) == 2
    assert "topk 50 is more than the 12 items of made; lower --topk" in printed_error(capsys)


def test_a_missing_library_is_4(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert main(["--model=LightGBM", "--dataset=ml-100k", "--device=cpu"]) == 4
    assert (
        "LightGBM needs the library 'lightgbm', which is not installed; install it with: pip install lightgbm"
        in printed_error(capsys)
    )


def test_a_missing_device_is_4(
    command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = [word for word in command() if not word.startswith("--device")]
    assert main([*words, "--device=cuda"]) == 4
    assert "device cuda is not available here; use --device=cpu" in printed_error(capsys)


def test_a_loss_that_is_no_number_is_5(command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command("--learning_rate=1e30", "--train_batch_size=4")) == 5
    assert "a weight is not finite in epoch 1, batch" in printed_error(capsys)


def test_the_overview_lists_every_command_in_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) <= 40
    for name, parser in build_parser().commands.items():
        assert f"\n  {name:<19}{parser.summary}\n" in out
    assert {module for names in GROUPS.values() for module in names} == {
        path.stem for path in (ROOT / "recbole_ext/cli/commands").glob("[a-z]*.py")
    }


def commands(parser: Parser) -> Iterator[Parser]:
    for each in parser.commands.values():
        yield from commands(each) if each.commands else [each]


@pytest.mark.parametrize("parser", commands(build_parser()), ids=lambda parser: parser.words)
def test_each_command_answers_for_itself(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option is declared once, with its help, and `--help` needs none of the words that the command needs."""
    assert parser.execute is not None
    assert main([*parser.words.split(), "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for action in parser._actions:
        assert not action.option_strings or (action.option_strings[-1] in out and action.help)
        assert not action.help or " ".join(action.help.split()) in out


def test_a_command_that_trains_nothing_says_so_when_interrupted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(quick: bool) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "report", interrupt)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "interrupted: doctor was not completed\n"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_commands_options_keys_and_models(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    words = ("metric-audit", "--print-config", "--learning_rate", "SS4Rec", "--experiments-dir")
    assert all(word in out for word in words)


def test_a_path_with_a_blank_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my settings.yaml", "b.yaml"):
        (tmp_path / name).write_text("")
    assert file_names("my settings.yaml b.yaml") == ["my settings.yaml", "b.yaml"]
    assert file_names("b.yaml  my settings.yaml") == ["b.yaml", "my settings.yaml"]
    assert file_names("a.yaml b.yaml") == ["a.yaml", "b.yaml"] and file_names(None) == []
    assert file_names(["my settings.yaml"]) == ["my settings.yaml"]


@pytest.mark.parametrize("inside", ["Python", "C"])
def test_interrupting_is_130(
    inside: str, command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        if inside == "C":
            raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
        raise KeyboardInterrupt

    monkeypatch.setattr(quick_start, "run", interrupt)
    assert main(command()) == 130
    assert capsys.readouterr().err == "interrupted before training began\n"


def test_a_fault_of_the_program_is_told_as_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(words: list[str]) -> int:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(cli, "_execute", broken)
    assert main(["--model=SS4Rec"]) == 1
    error = capsys.readouterr().err
    assert "ZeroDivisionError: ours" in error
    assert error.endswith("internal error: a bug in recbole_ext; please report it with the lines above.\n")


def test_a_full_disk_is_no_internal_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(words: list[str]) -> int:
        raise OSError(28, "No space left on device", "runs/x")

    monkeypatch.setattr(cli, "_execute", full)
    assert main(["--model=SS4Rec"]) == 4
    assert "no space left on the device of runs/x" in printed_error(capsys)


SCRIPT = [sys.executable, str(ROOT / "run_recbole_ext.py")]


@pytest.mark.slow
def test_the_script_itself(command: Callable[..., list[str]], tmp_path: Path) -> None:
    bad = subprocess.run([*SCRIPT, *command(), "--epoch=1"], capture_output=True, text=True, cwd=tmp_path)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert (
        bad.stderr
        == "error: command line: unknown key 'epoch'; did you mean 'epochs' or 'n_enc_epochs' or 'n_dec_epochs'?\n"
    )


@pytest.mark.slow
def test_the_script_trains(command: Callable[..., list[str]], tmp_path: Path) -> None:
    good = subprocess.run([*SCRIPT, *command()], capture_output=True, text=True, cwd=tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert (
        (next((tmp_path / "runs").iterdir()) / "command.txt")
        .read_text()
        .startswith("python run_recbole_ext.py --model=Mamba4Rec")
    )


@pytest.mark.parametrize(
    ("words", "reader"),
    [
        ("keys SS4Rec", "head -1"),
        ("doctor --quick", "true"),
        pytest.param("doctor", "true", marks=pytest.mark.slow),
    ],
)
def test_a_reader_that_closes_is_no_fault(words: str, reader: str) -> None:
    command = f"{sys.executable} run_recbole_ext.py {words} | {reader}"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=buffered)
    assert done.stdout == "Keys of SS4Rec:\n" or reader == "true"
    assert done.stderr == ""
