"""Broken files: nothing is accepted silently and nothing is lost."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_tools.convert.quarantine import REASONS, classify, escaped
from dataset_tools.sources import RELEASES
from dataset_tools.sources.release import RowError

Converted = Callable[..., tuple[Path, dict[str, Any]]]
GOOD = {
    "ml-100k": b"7\t8\t3\t%d",
    "ml-1m": b"7::8::3::%d",
    "ml-10m": b"7::8::3.5::%d",
    "ml-32m": b"7,8,3.5,%d",
    "taobao": b"7,8,9,pv,%d",
}
JUNK = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"nan",
    b"inf",
    b"1e9",
    b"-5",
    b"0x1",
    b"007",
    b" ",
    b"\t",
    b",",
    b":",
    b"::",
]
JUNK += [b'"', b"\r", b"\\", "\N{FULLWIDTH DIGIT SEVEN}".encode(), b"9" * 40, b"6", b"4.", b"pv ", b"1.5"]


def expected(lines: list[bytes], release: str) -> tuple[list[list[int]], dict[int, str]]:
    """What a plain reading line by line accepts (in order of time) and refuses, by line number from 1."""
    log, rows, refused, seen = RELEASES[release].log, [], {}, set()
    first = 1 if log.header is None else 2
    for number, line in enumerate(lines, first):
        try:
            values = classify(line.removesuffix(b"\r"), log)
            if tuple(values) in seen:
                raise RowError("exact_duplicate")
            seen.add(tuple(values))
            rows.append(values)
        except RowError as reason:
            refused[number] = str(reason)
    return sorted(rows, key=lambda row: row[-1]), refused


def check(release: str, lines: list[bytes], made: Callable[..., Path], converted: Converted) -> int:
    log = RELEASES[release].log
    head = b"" if log.header is None else log.header.encode() + b"\n"
    data = head + b"".join(line + b"\n" for line in lines)
    folder, summary = converted(release, made(release, data, side=False), overwrite=True)
    rows, refused = expected(lines, release)
    listed = (folder / f"{release}.rejected.tsv").read_bytes().decode().split("\n")[1:-1]
    first = 1 if log.header is None else 2
    assert listed == [
        f"{log.file}\t{number}\t{reason}\t{escaped(lines[number - first].removesuffix(bytes([13])))}"
        for number, reason in refused.items()
    ]
    written = [line.split("\t") for line in (folder / f"{release}.inter").read_text().splitlines()[1:]]
    symbol = next(at for at, column in enumerate(log.columns) if column.name in ("rating", "behaviour"))
    shown = [[log.symbols[v] if at == symbol else str(v) for at, v in enumerate(row)] for row in rows]
    assert written == shown
    assert summary["rows_in"] == len(lines) == len(rows) + len(refused)
    return len(refused)


@st.composite
def broken(draw: st.DrawFn, release: str) -> list[bytes]:
    """Good lines, most of them damaged: bytes replaced, inserted or removed, lines joined or cut."""
    start = RELEASES[release].log.window[0]
    lines = []
    for offset in draw(st.lists(st.integers(-3, 12), min_size=1, max_size=25)):
        line = GOOD[release] % (start + offset)
        for _ in range(draw(st.integers(0, 2))):
            at, end = sorted((draw(st.integers(0, len(line))), draw(st.integers(0, len(line)))))
            line = line[:at] + draw(st.sampled_from(JUNK)) + line[min(end, at + 3) :]
        lines.append(line.replace(b"\n", b""))
    return lines


@pytest.mark.parametrize("release", list(GOOD))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_accepted_silently_nothing_lost(
    release: str, data: st.DataObject, made: Callable[..., Path], converted: Converted
) -> None:
    check(release, data.draw(broken(release)), made, converted)


def damaged(release: str, count: int, seed: int) -> list[bytes]:
    """`count` lines that are all broken, in every way a field can be."""
    log, random_ = RELEASES[release].log, random.Random(seed)
    wrong = [
        b"",
        b" ",
        b"x",
        b"nan",
        b"-1",
        b"1_0",
        b"01",
        b"inf",
        b"1e400",
        b"9" * 30,
        b"\xff",
        b"0.25",
        b"7\x00",
    ]
    lines: list[bytes] = []
    while len(lines) < count:
        fields = (GOOD[release] % (log.window[0] + random_.randrange(10**6))).split(log.separator.encode())
        action = random_.randrange(4)
        if action == 0:
            fields = fields[: random_.randrange(len(fields))]
        elif action == 1:
            fields.insert(random_.randrange(len(fields) + 1), b"5")
        else:
            fields[random_.randrange(len(fields))] = random_.choice(wrong)
        line = log.separator.encode().join(fields)
        try:
            classify(line, log)
        except RowError:
            lines.append(line)
    return lines


@pytest.mark.parametrize("release", list(GOOD))
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_broken_rows_among_good_ones_are_all_listed(
    release: str, count: int, made: Callable[..., Path], converted: Converted
) -> None:
    lines = damaged(release, count, seed=5)
    start = RELEASES[release].log.window[0]
    lines += [GOOD[release] % (start + number) for number in range(count)]
    random.Random(6).shuffle(lines)
    assert check(release, lines, made, converted) == count


def test_reasons_are_unique() -> None:
    assert len(set(REASONS)) == len(REASONS)
