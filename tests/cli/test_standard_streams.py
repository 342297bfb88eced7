"""Training goes on without a terminal; an answer that cannot be written is no success."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dataset_tools.standard_streams import LastingStream
from tests import forked
from tests.conftest import write_inter

ROOT = Path(__file__).parents[2]
ROWS = [(f"u{u}", f"i{(3 * u + k) % 9}", 1000 * u + k) for u in range(8) for k in range(7)]
SMALL = ["--model=Mamba4Rec", "--dataset=made", "--hidden_size=8", "--d_state=2", "--epochs=3", "--topk=[2]",
         "--valid_metric=NDCG@2", "--baselines=[]", "--device=cpu", "--torch_threads=1", "--log_tensorboard=False",
         "--load_col={inter: [user_id, item_id, timestamp]}"]  # fmt: skip


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    write_inter(tmp_path, "made", ROWS)
    return [*SMALL, f"--data_path={tmp_path}", f"--runs_dir={tmp_path / 'runs'}"]


def finished(tmp_path: Path) -> bool:
    """Whether the one run has its result, and a log that no stream got into."""
    (run,) = (tmp_path / "runs").glob("*-made-*")
    return "test" in json.loads((run / "result.json").read_text()) and (run / "report.html").is_file()


def ended(process: "forked.ForkServerProcess") -> int | None:
    process.join(120)
    return process.exitcode


@pytest.mark.slow
def test_a_full_disk_behind_the_terminal_does_not_end_training(words: list[str], tmp_path: Path) -> None:
    assert forked.run(words, tmp_path, Path("/dev/full")) == 0 and finished(tmp_path)


@pytest.mark.slow
def test_a_reader_that_closes_does_not_end_training(words: list[str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = forked.start(words, tmp_path, pipe)
    with pipe.open("rb") as reader:
        assert reader.readline().startswith(b"Mamba4Rec on made")
    assert ended(process) == 0 and finished(tmp_path)


@pytest.mark.slow
def test_a_terminal_that_is_gone_does_not_end_training(words: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = forked.start([word.replace("epochs=3", "epochs=30") for word in words], tmp_path, log)
    while process.is_alive() and b"epoch" not in (log.read_bytes() if log.exists() else b""):
        time.sleep(0.02)
    os.kill(process.pid or 0, signal.SIGHUP)
    assert ended(process) == 0 and finished(tmp_path)


@pytest.mark.parametrize("word", ["--version", "--help", "experiment --help", "compare {run}"])
def test_an_answer_that_is_not_written_is_no_success(word: str, words: list[str], tmp_path: Path) -> None:
    if "{run}" in word:
        assert forked.run(words, tmp_path, tmp_path / "log") == 0
    (run,) = (tmp_path / "runs").glob("*-made-*") if "{run}" in word else (tmp_path,)
    assert forked.run(word.format(run=run).split(), tmp_path, Path("/dev/full")) == 4
    assert "{run}" not in word or [*(tmp_path / "runs").glob("comparison-*.html")]


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-", "> /dev/full 2>&1", "2>&1 | head -1"])
def test_closed_streams_of_a_shell(closed: str, words: list[str], tmp_path: Path) -> None:
    command = " ".join(f"'{word}'" for word in [sys.executable, str(ROOT / "run_recbole_ext.py"), *words])
    shell = ["bash", "-c", f"set -o pipefail; {command} {closed}"]
    assert subprocess.run(shell, capture_output=True, timeout=300, check=False, cwd=tmp_path).returncode == 0
    assert finished(tmp_path)
    (run,) = (tmp_path / "runs").glob("*-made-*")
    assert "Mamba4Rec on made" not in (run / "config.yaml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("closed", "code"), [("> /dev/full", 4), ("| true", 0), (">&-", 0)])
def test_the_data_tools_say_when_their_answer_is_lost(closed: str, code: int, tmp_path: Path) -> None:
    write_inter(tmp_path, "made", ROWS)
    script = f"import sys; from dataset_tools.cli import main; sys.exit(main(['describe', '{tmp_path / 'made'}']))"
    command = f"'{sys.executable}' -c \"{script}\""
    shell = ["bash", "-c", f"set -o pipefail; {command} {closed}"]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == code, done.stderr
    assert ("cannot write standard output" in done.stderr) == (code == 4)


class Refusing(io.StringIO):
    """A sink that takes some writes."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes

    def write(self, text: str) -> int:
        self.takes -= 1
        if self.takes < 0:
            raise BrokenPipeError
        return super().write(text)


def test_what_a_sink_refuses_is_dropped() -> None:
    sink = Refusing(takes=2)
    stream = LastingStream(sink)
    for word in ("one ", "two ", "three "):
        assert stream.write(word) == len(word)
    stream.writelines(["four ", "five "])
    stream.flush()
    assert sink.getvalue() == "one two " and stream.isatty() is False
    closed = io.StringIO()
    closed.close()
    print("lost", file=LastingStream(closed))


def test_streams_of_threads_are_the_streams_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    from recbole_ext.cli.main import main

    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["--version"])))  # where no handler can be set
    thread.start()
    thread.join()
    assert codes == [0] and capsys.readouterr().out.startswith("recbole_ext ")
