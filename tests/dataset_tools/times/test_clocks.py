"""Times: exact numbers and dates, their order, and units that the data tools name instead of crashing."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from dataset_tools import cli
from dataset_tools.files.interactions import Interactions
from dataset_tools.times import clocks

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"


def made(root: Path, times: list[str], user: str = "u", name: str = "made") -> Path:
    """One user's rows in the order of the list."""
    folder = root / name
    folder.mkdir()
    lines = [HEADER, *(f"{user}{k % 2}\ti{k}\t4\t{time}" for k, time in enumerate(times))]
    (folder / f"{name}.inter").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("text", ["3", "-3", "0.25", "-0.25", "1600000000.123456789", "1.5e3", "-7.000000000000000001"])
@pytest.mark.parametrize("unit", list(clocks.UNITS))
def test_numbers_are_read_exactly_and_written_back(text: str, unit: str) -> None:
    whole, fraction = clocks.parse_number(text, unit) or (0, 0)
    exact = Decimal(text) / clocks.UNITS[unit]
    assert abs(Decimal(whole) + Decimal(fraction).scaleb(-18) - exact) < Decimal("1e-18")
    if unit == "seconds":
        assert Decimal(clocks.as_text(whole, fraction)) == exact


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2015-03-31", "1427760000"),
        ("2015-03-31T06:40:03.25Z", "1427784003.25"),
        ("2015-03-31 08:40:03+02:00", "1427784003"),
    ],
)
def test_dates_of_iso_8601(text: str, seconds: str) -> None:
    assert clocks.is_date(text)
    assert clocks.as_text(*(clocks.parse_date(text) or (0, 0))) == seconds


def test_rows_of_one_second_change_places_among_themselves_alone() -> None:
    rng = np.random.default_rng(3)
    seconds, fractions = rng.integers(0, 9, 200), rng.integers(0, 4, 200)
    order = clocks.order_within_seconds(seconds, fractions)
    assert (seconds[order] == seconds).all()
    stable = order[np.argsort(seconds[order], kind="stable")]
    assert stable.tolist() == sorted(range(200), key=lambda k: (seconds[k], fractions[k], k))


@pytest.mark.parametrize("user", ["u", ""])
@pytest.mark.parametrize("command", ["describe", "split", "validate"])
@pytest.mark.parametrize(("unit", "factor"), list(clocks.UNITS.items())[1:])
def test_another_unit_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], user: str, command: str, unit: str, factor: int
) -> None:
    folder = made(tmp_path, [str((1_600_000_000 + k) * factor) for k in range(9)], user)
    words = [command, str(folder), *(["--output", str(tmp_path / "out"), "--ratio", "0.8"] * (command == "split"))]
    assert cli.main(words) == 3
    assert f"seems to count {unit}" in capsys.readouterr().err
    assert cli.main([*words, f"--time-unit={unit}"]) == 0
    if command == "split":
        assert f"time_unit: {unit}" in (tmp_path / "out" / "made-cut" / "made-cut.yaml").read_text()
        assert json.loads((tmp_path / "out" / "made-cut" / "split.json").read_text())["cut_timestamp"] == 1_600_000_007


@pytest.mark.parametrize("user", ["u", ""])
@pytest.mark.parametrize("time", ["1600000000000", "-99999999999", "1e30", "99999999999.5"])
def test_a_row_far_outside_is_named_by_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], user: str, time: str
) -> None:
    times = [str(1_600_000_000 + k) for k in range(9)]
    folder = made(tmp_path, [*times[:4], time, *times[4:]], user)
    for command in ("describe", "validate"):
        assert cli.main([command, str(folder)]) == 3
        assert "made.inter:6: timestamp" in (said := capsys.readouterr().err) or "(first: line 6)" in said


def test_a_cut_of_fractions_keeps_the_order_of_training(tmp_path: Path) -> None:
    times = ["1600000002.5", "1600000000.75", "1600000000.5", "1600000003", "1600000002.25", "1600000001"]
    folder = made(tmp_path, times)
    log = Interactions(folder / "made.inter")
    (chunk,) = log.chunks()
    order = clocks.time_order(chunk.times, chunk.fractions)
    assert order.tolist() == sorted(range(6), key=lambda k: Decimal(times[k]))
    words = ["split", str(folder), "--output", str(tmp_path / "out"), "--at-timestamp", "1600000002", "--valid", "none"]
    assert cli.main(words) == 0
    cut = tmp_path / "out" / "made-cut"
    parts = [(cut / f"made-cut.{part}.inter").read_text().splitlines()[1:] for part in ("train", "test")]
    assert [[line.split("\t")[3] for line in part] for part in parts] == [
        ["1600000000.5", "1600000000.75", "1600000001"],
        ["1600000002.25", "1600000002.5", "1600000003"],
    ]


def test_times_writes_a_copy_in_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made(tmp_path, ["2020-09-13T12:26:40Z", "2020-09-13 12:26:40.250", "1600000001"])
    (folder / "made.item").write_text("item_id:token\ni0\n")
    (folder / "made.yaml").write_text("time_unit: milliseconds\nTIME_FIELD: timestamp\n")
    assert cli.main(["describe", str(folder)]) == 3
    assert "recbole-data times" in capsys.readouterr().err
    assert cli.main(["times", str(folder), "--output", str(tmp_path / "out")]) == 0
    copy = tmp_path / "out" / "made-seconds"
    lines = (copy / "made-seconds.inter").read_text().splitlines()
    assert [line.split("\t")[3] for line in lines] == ["timestamp:float", "1600000000", "1600000000.25", "1600000001"]
    assert (copy / "made-seconds.item").read_text() == "item_id:token\ni0\n"
    assert (copy / "made-seconds.yaml").read_text() == "TIME_FIELD: timestamp\n"
    assert "3 rows, 2 times were dates, 1 without a zone, read as UTC" in capsys.readouterr().out
    assert cli.main(["validate", str(copy)]) == 0


def test_times_replaces_its_own_copy_and_keeps_where_a_data_set_is_cut(tmp_path: Path) -> None:
    words = ["--output", str(tmp_path), "--time-unit", "milliseconds"]
    folder = made(tmp_path, [f"{1_600_000_000_000 + 1_000_250 * k}" for k in range(20)])
    cut = ["--at-timestamp", "1600009000", "--valid", "none", "--windows", "1h"]
    assert cli.main(["split", str(folder), *cut, *words]) == 0
    (source,) = (path.parent for path in tmp_path.glob("*/split.json"))
    for again in ([], ["--overwrite"]):
        assert cli.main(["times", str(source), *words, *again]) == 0
    copy = tmp_path / f"{source.name}-seconds"
    facts, own = (json.loads((room / "split.json").read_text()) for room in (source, copy))
    assert own == facts | {"time_unit": "seconds"} and facts["windows"]
    for part in (*facts["parts"], *facts["windows"]):
        name = f"{copy.name}.{part}.inter"
        first, *_, last = (line.split("\t")[3] for line in (copy / name).read_text().splitlines()[1:])
        span = {**facts["parts"], **facts["windows"]}[part]
        assert [int(float(first)), int(float(last))] == [span["first_timestamp"], span["last_timestamp"]]
    summary = json.loads((copy / f"{copy.name}.summary.json").read_text())
    assert summary["rows"] == 20 and summary["input"] == source.name and summary["time_unit"] == "milliseconds"
    (source / "split.json").write_text("[1]")
    assert cli.main(["times", str(source), *words, "--overwrite"]) == 3
    assert json.loads((copy / "split.json").read_text()) == own


def test_times_copies_a_data_set_whose_name_is_no_pattern(tmp_path: Path) -> None:
    assert cli.main(["times", str(made(tmp_path, ["1600000000"], name="a[1]")), "--output", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "a[1]-seconds" / "a[1]-seconds.inter").is_file()


@pytest.mark.parametrize("time", ["soon", "13/09/2020", "99999999999999", ""])
def test_what_is_no_time_is_refused_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], time: str) -> None:
    folder = made(tmp_path, ["1600000000", time])
    assert cli.main(["times", str(folder), "--output", str(tmp_path / "out")]) == 3
    assert "made.inter:3: timestamp" in capsys.readouterr().err
    assert not (tmp_path / "out" / "made-seconds").exists()
