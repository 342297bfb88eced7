"""Counts of ranges merge in any order with equal results, and equal a count of the rows."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_tools.drift.counting.counts import CountJob, Counts, count_range
from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.counting.spans import gap_bin
from dataset_tools.drift.inputs import Columns, Source
from dataset_tools.drift.windows import Windows
from dataset_tools.files.interactions import Interactions
from dataset_tools.lines.ranges import newline_ranges

HEADER = "user_id:token\titem_id:token\trating:float\tkind:token\ttimestamp:float\n"
COLUMNS = Columns("user_id", "item_id", "timestamp", "rating", "kind", None, "seconds")
WINDOWS = Windows(first=0, last=99, cut=50, span=20, n_future=3, past_span=20, n_past=1)
ROWS = st.tuples(
    st.sampled_from(["1", "2", "x", "ü", "007"]),
    st.sampled_from(["5", "y", "z"]),
    st.sampled_from(["3", "4.5", "add_to_cart", "add_to_wishlist"]),
    st.sampled_from(["8", "a kind"]),
    st.integers(0, 99),
)


def ranges_of(path: Path, size: int) -> list[Counts]:
    parts = newline_ranges(path, len(HEADER.encode()), size)
    jobs = (CountJob(number, part, Source(path, None), COLUMNS, WINDOWS, 0, 1) for number, part in enumerate(parts))
    return [count_range(job) for job in jobs]


def merged(counts: list[Counts], order: np.ndarray) -> Profile:
    total = Counts()
    for place in order:
        total.merge(counts[place])
    return Profile(total, WINDOWS, None)


def content(profile: Profile) -> list[object]:
    tables = [profile.users, profile.items, profile.values, profile.groups, profile.gaps]
    found: list[object] = [[table.vector((index,)).tolist() for index in range(5)] for table in tables if table]
    mix = profile.mix
    assert mix is not None
    mixes = [column.tolist() for column in (mix.users, mix.groups, mix.rows, mix.starts)]
    return [*found, profile.value_names, profile.group_names, profile.rows.tolist(), mixes]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=20), seed=st.integers(0, 9))
def test_any_order_of_any_ranges_equals_the_count_of_the_rows(
    tmp_path: Path, rows: list[tuple[str, str, str, str, int]], seed: int
) -> None:
    rows = sorted(rows, key=lambda row: row[-1])
    path = tmp_path / "x.inter"
    path.write_text(HEADER + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    whole = merged(ranges_of(path, 10**6), np.array([0]))
    parts = ranges_of(path, 60)
    assert content(merged(parts, np.random.default_rng(seed).permutation(len(parts)))) == content(whole)
    edges = [int(WINDOWS.index(np.array([row[-1]]), None)[0]) for row in rows]
    assert whole.rows.tolist() == [edges.count(index) for index in range(5)]
    assert whole.users.vector(tuple(range(5))).sum() == len(rows)
    assert set(whole.value_names) == {row[2] for row in rows}
    gaps: Counter[tuple[int, int]] = Counter()
    for user in {row[0] for row in rows}:
        times = [(row[-1], edge) for row, edge in zip(rows, edges, strict=True) if row[0] == user]
        gaps.update((edge, int(gap_bin(np.array([late - early]))[0])) for (early, _), (late, edge) in pairwise(times))
    found = {
        (index, int(code)): int(n) for index in range(5) for code, n in enumerate(whole.gaps.vector((index,))) if n
    }
    assert found == gaps


def test_merging_merged_counts_equals_merging_ranges(tmp_path: Path) -> None:
    path = tmp_path / "x.inter"
    lines = [f"{u}\t{u % 3}\t3\tk{u % 2}\t{t}" for t, u in enumerate(np.random.default_rng(0).integers(0, 9, 90))]
    path.write_text(HEADER + "\n".join(lines) + "\n")
    parts = ranges_of(path, 100)
    halves = [Counts(), Counts()]
    for place, part in enumerate(ranges_of(path, 100)):
        halves[place % 2].merge(part)
    assert content(merged(halves, np.array([1, 0]))) == content(merged(parts, np.arange(len(parts))))


@pytest.mark.slow
def test_many_small_tables_become_one(tmp_path: Path) -> None:
    counts = Counts()
    table = pl.DataFrame(
        {"window": np.zeros(1 << 18, np.int16), "user": np.arange(1 << 18), "rows": np.ones(1 << 18, np.uint32)}
    )
    for _ in range(8):
        counts.add("users", table)
    assert len(counts.tables["users"]) < 8 and sum(one["rows"].sum() for one in counts.tables["users"]) == 8 << 18


def test_the_sample_of_users_depends_on_the_id_alone(tmp_path: Path) -> None:
    kept = []
    for order in (1, -1):
        names = [str(n) for n in range(300)] + [f"user {n}" for n in range(300)]
        path = tmp_path / f"{order}.inter"
        path.write_text(HEADER + "".join(f"{name}\t1\t3\tk\t5\n" for name in names[::order]))
        log = Interactions(path)
        (chunk,) = log.chunks()
        chosen = log.users.sampled(chunk.users, 3)
        kept.append({name for name, one in zip(names[::order], chosen, strict=True) if one})
    assert kept[0] == kept[1] and 100 < len(kept[0]) < 300 and {name[:4] == "user" for name in kept[0]} == {True, False}
