"""Different values by a table of our own and by numpy."""

import numpy as np

from dataset_tools.lines.distinct import DistinctValues, distinct


def test_each_value_is_found_once() -> None:
    random = np.random.default_rng(1)
    for n, high in ((0, 1), (1, 1), (2, 1), (1000, 10), (5000, 2**62), (4096, 5000)):
        values = random.integers(-high, high, n)
        values.setflags(write=False)
        found = distinct(values)
        assert sorted(found) == np.unique(values).tolist() and found.dtype == np.int64
    assert sorted(distinct(np.array([0, 7, 0, 2**64 - 1], np.uint64))) == [0, 7, 2**64 - 1]


def test_values_are_counted_over_many_parts() -> None:
    random, counted, parts = np.random.default_rng(2), DistinctValues(), []
    for size in (0, 3, 1000, 10, 4000, 1, 2):
        parts.append(random.integers(0, 3000, size).astype(np.uint64))
        counted.add(parts[-1])
    assert len(counted) == len(np.unique(np.concatenate(parts)))
