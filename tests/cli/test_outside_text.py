"""Terminal escapes in keys, values, paths and files are printed visibly, wherever a message goes out."""

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_tools.cli import main as data_main
from dataset_tools.standard_streams import standard_streams, write_data
from recbole_ext.cli.main import main
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.tracking.progress import Progress

EVIL = "\x1b[2J\u202e\r"
SHOWN = r"\x1b[2J\u202e\x0d"


def is_visible(text: str) -> bool:
    return not any(sign in text for sign in "\x1b\u202e\r")


@pytest.mark.parametrize(
    "words",
    [
        [f"--model={EVIL}", "--dataset=ml-100k"],
        ["--model=BPR", f"--dataset={EVIL}"],
        ["--model=BPR", "--dataset=ml-100k", f"--{EVIL}key=1"],
        ["--model=BPR", "--dataset=ml-100k", f"--seed={EVIL}"],
        ["--model=BPR", "--dataset=ml-100k", f"--config_files={EVIL}"],
        [f"{EVIL}command"],
        ["report", f"runs/{EVIL}"],
        ["rate", f"--run={EVIL}", "--pairs=x"],
    ],
    ids=range(8),
)
def test_words_of_the_command_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) in (2, 3)
    output = capsys.readouterr()
    assert is_visible(output.out + output.err) and r"\x1b" in output.err


@pytest.mark.parametrize("words", [["describe", f"{EVIL}"], ["convert", f"{EVIL}"], ["validate", "x", f"--{EVIL}"]])
def test_words_of_the_data_tools(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = data_main(words)
    except SystemExit as error:  # argparse
        code = int(str(error.code))
    output = capsys.readouterr()
    assert code in (2, 3, 4) and is_visible(output.out + output.err) and r"\x1b" in output.err


def test_headers_and_tokens_of_data(
    tmp_path: Path, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "made", [(f"u{EVIL[:-1]}", "i", "x")], f"user_id:token\titem_id:token\t{EVIL[:-1]}timestamp:float")
    assert main(["--model=SASRec", "--dataset=made", f"--data_path={tmp_path}", "--device=cpu"]) == 3
    assert data_main(["validate", str(tmp_path / "made")]) == 3
    output = capsys.readouterr()
    assert "\x1b" not in output.out + output.err and output.err.count(r"\x1b[2J") >= 2


def test_the_log_of_a_run(tmp_path: Path) -> None:
    directory = RunDirectory.new(tmp_path, "BPR", "made")
    with directory.logging():
        logging.getLogger("recbole_ext").warning("a \x1b[1;35mcoloured\x1b[0m token %s", EVIL)
    text = (directory.path / "log.txt").read_bytes().decode()
    assert f"a coloured token {SHOWN}" in text and "\x1b" not in text


def test_lines_beside_a_progress_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream in (Terminal(), io.StringIO()):
        progress = Progress(3, enabled=True, stream=stream)
        progress.say(f"token {EVIL}")
        progress.close()
        assert f"token {SHOWN}" in stream.getvalue() and "\u202e" not in stream.getvalue()


def test_data_for_a_program_stay_exact_and_are_visible_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with standard_streams(goes_on=False):
        write_data(EVIL)
        print(EVIL)
    assert capsys.readouterr().out == f"{EVIL}{SHOWN}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with standard_streams(goes_on=False):
        write_data(EVIL)
    assert capsys.readouterr().out == SHOWN
