import io
import logging

from recbole_ext.training.tracking.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(2, enabled=True, stream=stream)
    progress.say("hello")
    progress.step("epoch 0")
    progress.row({"epoch": 0, "train_loss": 0.123456, "best": "*"})
    progress.row({"epoch": 1, "train_loss": 0.1, "ndcg@10": 0.5})
    progress.close()
    assert stream.getvalue().splitlines() == [
        "hello",
        "   epoch  train_loss      best",
        "       0      0.1235         *",
        "       1      0.1000         -",
    ]


def test_a_bar_with_the_time_left_on_a_terminal() -> None:
    stream = Terminal()
    progress = Progress(10, enabled=True, stream=stream)
    progress.bar.mininterval = 0
    for _ in range(5):
        progress.step("epoch 0")
    progress.row({"epoch": 0})
    progress.bar.refresh()
    progress.close()
    text = stream.getvalue()
    assert "epoch 0" in text and "5/10" in text and "<" in text
    assert "   epoch\n" in text and "       0\n" in text


def test_no_bar_where_it_is_not_wanted() -> None:
    stream = Terminal()
    progress = Progress(10, enabled=True, bar=False, stream=stream)
    progress.step()
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
