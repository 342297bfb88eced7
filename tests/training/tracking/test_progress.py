import io
import logging
import time

import pytest

from dataset_tools.progress import waiting
from recbole_ext.training.tracking.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(2, enabled=True, stream=stream)
    progress.say("hello")
    progress.step("epoch 1")
    progress.row({"epoch": 1, "train_loss": 0.123456, "best": "*"})
    progress.row({"epoch": 2, "train_loss": 0.1})
    progress.close()
    assert stream.getvalue().splitlines() == [
        "hello",
        "  epoch  train_loss  best",
        "      1      0.1235     *",
        "      2      0.1000     -",
    ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of the clock that bars read."""
    seconds = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: seconds[0])
    return seconds


def test_a_bar_with_rate_and_time_left_on_a_terminal(clock: list[float]) -> None:
    stream = Terminal()
    progress = Progress(10, enabled=True, stream=stream)
    for _ in range(5):
        clock[0] += 2.0
        progress.step("epoch 1/3  loss 0.125")
    progress.row({"epoch": 1})
    progress.close()
    text = stream.getvalue()
    assert "epoch 1/3  loss 0.125 [########--------]  50%   0.50 step/s  ETA 00:10" in text
    assert "  epoch\n" in text and "      1\n" in text


def test_elsewhere_a_line_each_half_minute(clock: list[float]) -> None:
    stream = io.StringIO()
    progress = Progress(100, enabled=True, stream=stream)
    for _ in range(40):
        clock[0] += 1.0
        progress.step("epoch 1/3")
    progress.close()
    assert stream.getvalue() == "epoch 1/3 [####------------]  30%   1.00 step/s  ETA 01:10\n"


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_a_phase_has_a_bar_of_its_own(stream: io.StringIO, clock: list[float]) -> None:
    progress = Progress(100, enabled=True, stream=stream)
    with progress.phase("validation", 4):
        for _ in range(2):
            clock[0] += 20.0
            progress.tick()
    progress.tick()
    assert "validation [############------------]  50%  00:40 left" in stream.getvalue()


def test_a_short_phase_shows_nothing(clock: list[float]) -> None:
    stream = Terminal()
    progress = Progress(0, enabled=True, stream=stream)
    with progress.phase("validation", 4):
        progress.tick()
    with progress.waiting("reading"):
        pass
    assert stream.getvalue().strip() == ""


def test_a_line_draws_no_bar_before_its_time_and_the_end_takes_away_what_a_line_drew(clock: list[float]) -> None:
    stream = Terminal()
    progress = Progress(10, enabled=True, stream=stream)
    progress.say("protocol")
    progress.step("epoch 1/1")
    progress.say("a row")
    assert "[" not in stream.getvalue()
    clock[0] += 3.0
    progress.say("a row after two seconds")
    assert "epoch 1/1 [" in stream.getvalue()
    progress.close()
    assert stream.getvalue().rpartition("]")[2].rstrip(" ").endswith("\r"), "the bar is still there"


@pytest.mark.parametrize("terminal", [True, False])
def test_waiting_shows_how_long(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataset_tools.progress.DELAY_SECONDS", 0.01)
    monkeypatch.setattr("dataset_tools.progress.LINE_SECONDS", 0.01)
    stream = Terminal() if terminal else io.StringIO()
    with waiting("reading", stream):
        time.sleep(0.1)
    text = stream.getvalue()
    assert text.startswith("\rreading  00:00" if terminal else "reading  00:00\n") and text[-1] in "\r\n"


def test_no_bar_where_it_is_not_wanted() -> None:
    stream = Terminal()
    progress = Progress(10, enabled=True, bar=False, stream=stream)
    progress.step()
    with progress.phase("validation", 4):
        progress.tick()
    progress.say("hello")
    assert (progress.bar, stream.getvalue()) == (None, "hello\n")


def test_silence_where_another_process_speaks() -> None:
    stream = Terminal()
    progress = Progress(10, enabled=False, stream=stream)
    progress.step()
    progress.say("hello")
    progress.row({"epoch": 0})
    progress.close()
    assert stream.getvalue() == ""


def test_warnings_of_a_logger_are_said_while_overheard() -> None:
    stream = io.StringIO()
    progress = Progress(1, enabled=True, stream=stream)
    with progress.overheard("recbole_ext.made"):
        logging.getLogger("recbole_ext.made.deep").warning("compiling %s", "a kernel")
        logging.getLogger("recbole_ext.made").info("not this")
    logging.getLogger("recbole_ext.made").warning("nor this")
    assert stream.getvalue() == "compiling a kernel\n"


def test_a_row_fits_into_80_columns_and_keeps_the_metric_of_choice() -> None:
    stream = io.StringIO()
    progress = Progress(1, enabled=True, stream=stream)
    metrics = {f"precision@{k}": 0.1 for k in range(10, 20)}
    progress.row({"epoch": 1, "train_loss": 0.5, **metrics, "best": "*"}, keep="precision@19")
    head, line = stream.getvalue().splitlines()
    assert len(head) == len(line) <= 80 and head.split()[:3] == ["epoch", "train_loss", "precision@10"]
    assert head.split()[-2:] == ["precision@19", "best"]


@pytest.mark.parametrize(("no_color", "terminal", "bold"), [("", True, True), ("1", True, False), ("", False, False)])
def test_the_best_is_bold_on_a_terminal_alone(
    no_color: str, terminal: bool, bold: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal() if terminal else io.StringIO()
    progress = Progress(0, enabled=True, stream=stream)
    progress.row({"epoch": 1, "best": "*"})
    progress.row({"epoch": 2, "best": ""})
    assert (stream.getvalue().count("\x1b[1m") == 1) == bold and stream.getvalue().count("\x1b") == 2 * bold


def test_a_long_line_is_wrapped_under_its_text_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    line = "WARNING     " + "a setting that no run reads " * 3
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        Progress(0, enabled=True, stream=stream).say(line.rstrip())
    assert plain.getvalue() == f"{line.rstrip()}\n"
    first, *rest = terminal.getvalue().splitlines()
    assert first.startswith("WARNING     a setting") and len(rest) > 1
    assert all(each.startswith(" " * 12) and len(each) <= 40 for each in rest)


def test_metrics_that_come_later_have_a_header_too() -> None:
    stream = io.StringIO()
    progress = Progress(1, enabled=True, stream=stream)
    progress.row({"epoch": 1, "best": ""})
    progress.row({"epoch": 2, "hit@10": 0.5, "best": "*"})
    progress.row({"epoch": 3, "best": ""})
    shown = [line.split() for line in stream.getvalue().splitlines()]
    assert shown == [["epoch", "best"], ["1"], ["epoch", "hit@10", "best"], ["2", "0.5000", "*"], ["3", "-"]]


def test_a_phase_within_training_steers_no_terminal_where_there_is_none(clock: list[float]) -> None:
    stream = io.StringIO()
    progress = Progress(100, enabled=True, stream=stream)
    with progress.phase("validation", 4):
        clock[0] += 40.0
        progress.tick()
    progress.close()
    assert stream.getvalue().startswith("validation [######") and "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
