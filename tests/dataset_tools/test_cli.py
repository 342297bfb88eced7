import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dataset_tools.cli import main
from dataset_tools.convert.table.arguments import percent
from dataset_tools.errors import DataError, UsageError
from dataset_tools.progress import Progress


def test_from_raw_to_page(made: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "dataset"
    assert main(["convert", "ml-1m", "--input", str(made("ml-1m")), "--output", str(out)]) == 0
    assert "3 of 3 rows, 2 users, 2 items" in capsys.readouterr().out
    assert (
        main(
            [
                "split",
                str(out / "ml-1m"),
                "--output",
                str(out),
                "--at-timestamp",
                "978302109",
                "--valid",
                "none",
            ]
        )
        == 0
    )
    assert "test: 1 rows, 1 users, 1 items, 100.0% of the rows with a user or item unknown" in capsys.readouterr().out
    page, numbers = tmp_path / "p.html", tmp_path / "n.json"
    assert main(["describe", str(out / "ml-1m"), "--html", str(page), "--json", str(numbers)]) == 0
    assert page.exists() and json.loads(numbers.read_text())[0]["rows"] == 3
    assert main(["describe", str(out / "ml-1m-cut"), "--json", str(numbers)]) == 0
    assert [one["rows"] for one in json.loads(numbers.read_text())] == [2, 1]
    assert main(["describe", str(out / "ml-1m"), "--json", str(tmp_path / "no" / "where")]) == 2
    assert f"--json={tmp_path / 'no' / 'where'}: there is no folder {tmp_path / 'no'}" in capsys.readouterr().err
    assert main(["validate", str(out / "ml-1m-cut")]) == 0
    assert "3 rows, no problems found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["convert", "ml-1m", "--output", "x"], 2, "one of --input PATH and --download is needed"),
        (["convert", "ml-1m", "--input", "no", "--output", "{out}"], 2, "no such file or folder"),
        (
            ["convert", "ml-1m", "--input", "no", "--output", "x", "--max-rejected", "0.1"],
            2,
            "write a percentage",
        ),
        (
            ["convert", "ml-1m", "--input", "{raw}", "--output", "{out}", "--max-rejected", "0%"],
            3,
            "rows rejected",
        ),
        (["convert", "taobao", "--download", "--output", "{out}"], 4, "there is no download address"),
        (["split", "{raw}", "--output", "{out}", "--at", "1"], 2, "no data set there"),
        (["validate", "{raw}"], 2, "Create one: recbole-data convert ml-1m --input"),
        (["describe", "{raw}"], 2, "no data set there"),
        (["describe", "{raw}/ratings.dat", "--json", "{raw}/numbers.json"], 3, "is not field:type"),
    ],
)
def test_errors_are_a_message_and_a_code(
    arguments: list[str], code: int, message: str, made: Callable[..., Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    raw = made("ml-1m", "1::2::9::978300760\n")
    filled = [part.format(raw=raw, out=tmp_path / "out") for part in arguments]
    assert main(filled) == code
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line]
    assert message in error and "Traceback" not in error and len(lines) <= 8


def test_debug_shows_where(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data set there"):
        main(["validate", str(tmp_path), "--debug"])


def test_validate_fails_with_all_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n1\t\t3\n\t2\tx\n")
    assert main(["validate", str(tmp_path / "x.inter")]) == DataError.exit_code
    assert len(capsys.readouterr().err.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["convert"], "the following arguments are required: RELEASE, --output"),
        (["convert", "ml-2m", "--output", "x"], "argument RELEASE: invalid choice: 'ml-2m' (choose from"),
        (["split", "x"], "--output"),
        (["split", "x", "--output", "y", "--future", "hot"], "argument --future: invalid choice"),
    ],
)
def test_unknown_words_are_usage_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2 and message in error and len(error.splitlines()) == 2
    assert error.startswith("error: ") and " --help" in error


@pytest.mark.parametrize(
    ("release", "rows", "message"),
    [
        ("ml-1m", "", "ratings.dat: the file is empty"),
        ("ml-20m", "", "ratings.csv: the file is empty"),
        ("ml-20m", "userId,movieId,rating,timestamp\r\n", "ratings.csv: it has a header and no rows"),
    ],
)
def test_nothing_to_convert(
    release: str, rows: str, message: str, made: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", release, "--input", str(made(release, rows)), "--output", str(tmp_path / "out")]) == 3
    assert message in capsys.readouterr().err and not list((tmp_path / "out").iterdir())


def test_the_release_that_fits_is_named(
    made: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", "ml-20m", "--input", str(made("ml-1m")), "--output", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "ratings.dat is there, which belongs to ml-1m or ml-10m" in capsys.readouterr().err


def test_a_packed_log_is_named_as_it_was_given(
    made: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "ratings.csv.gz"
    packed.write_bytes(gzip.compress((made("ml-1m") / "ratings.dat").read_bytes()))
    assert main(["convert", "ml-20m", "--input", str(packed), "--output", str(tmp_path / "out")]) == 3
    error = capsys.readouterr().err
    assert "ratings.csv: line 1 is '1::1193::5::978300760'" in error and ".partial" not in error


def test_a_licence_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "taobao", "--download", "--output", str(tmp_path)]) == 4
    assert capsys.readouterr().err.count("by hand") == 1


def test_percentages() -> None:
    assert percent("0.1%") == 0.001 and percent("100%") == 1.0
    for text in ("0.1", "x%", "-1%", "101%", "nan%"):
        with pytest.raises(UsageError, match="write a percentage between 0% and 100%"):
            percent(text)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_the_bar_appears_after_two_seconds(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])
    bar = Progress("reading", 100, stream)
    for clock[0] in (1.0, 1.9, 40.0):
        bar.update(20)
    bar.close()
    shown = {line.strip() for line in re.split("[\r\n]", stream.getvalue())} - {""}
    assert shown == {"reading [##############----------]  60%  00:26 left"}


def test_a_quiet_bar_stays_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stream = [0.0], Terminal()
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])
    bar = Progress("reading", 0, stream, enabled=False)
    clock[0] = 100.0
    bar.update(5)
    bar.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 8 EiB"), ValueError("array is too big; x")], ids=repr
)
def test_memory_that_is_missing_is_a_condition_of_the_machine(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataset_tools import cli

    def fails(options: object) -> None:
        raise error

    monkeypatch.setitem(cli.COMMANDS, "describe", fails)
    assert cli.main(["describe", str(tmp_path)]) == 4
    assert f"error: out of memory: {error}" in capsys.readouterr().err
