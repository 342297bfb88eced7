from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from recbole_ext.errors import UsageError
from recbole_ext.files import hold
from recbole_ext.report.live import newest_running, watch

MakeRun = Callable[..., Path]


def test_the_page_is_written_until_the_run_is_over_and_leads_to_its_report(make_run: MakeRun) -> None:
    run, said, pages = make_run(result=None, end={"event": "continued"}), [], []
    lock = hold(run, "x")

    def sleep(seconds: float) -> None:
        pages.append((run / "live.html").read_text())
        if len(pages) == 2:
            (run / "report.html").write_text("x")
            lock.release()

    watch(run, 3.0, said.append, sleep)
    assert len(pages) == 2 and all('http-equiv="refresh" content="3"' in page for page in pages)
    assert "This run has not finished" in pages[0]
    assert 'content="0; url=report.html"' in (run / "live.html").read_text() and "the run is over" in said[-1]


def test_the_newest_one_that_is_going_on_is_found(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(result=None, end={"event": "continued"})
    lock = hold(run, "x")
    assert newest_running(run.parent) == run
    lock.release()
    assert main(["watch", "--runs_dir", str(run.parent)]) == 2
    assert "no run is going on; name one: watch RUN" in capsys.readouterr().err
    assert main(["watch", str(run.parent)]) == 2 and main(["watch", str(run), "--seconds=0"]) == 2


def test_a_run_without_an_epoch_has_a_page_too(make_run: MakeRun) -> None:
    run = make_run(result=None, end={"event": "continued"})
    (run / "metrics.csv").unlink()
    watch(run, 1.0, lambda line: None)
    for seconds in (0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="--seconds must be at least 1, and at most 86,400"):
            watch(run, seconds, print)
    assert (
        "no test result" in (run / "live.html").read_text()
        and 'http-equiv="refresh"' not in (run / "live.html").read_text()
    )
