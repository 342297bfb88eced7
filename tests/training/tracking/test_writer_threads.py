import threading

import pytest

from recbole_ext.training.tracking.writer_threads import quiet_writer_threads


class Writer(threading.Thread):
    def run(self) -> None:
        raise OSError("No space left on device")


@pytest.mark.parametrize("of_tensorboard", [True, False])
def test_threads_of_tensorboard_print_nothing(of_tensorboard: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    if of_tensorboard:
        monkeypatch.setattr(Writer, "__module__", "tensorboard.summary.writer.event_file_writer")
    with quiet_writer_threads():
        thread = Writer()
        thread.start()
        thread.join()
    assert len(seen) == (0 if of_tensorboard else 1)
