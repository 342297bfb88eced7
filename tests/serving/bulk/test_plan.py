"""Pieces of lists of similar length hold each place once, and wait for few others."""

import numpy as np

from recbole_ext.serving.bulk.plan import similar_pieces


def test_places_are_in_one_piece_each_and_near_each_other() -> None:
    length = np.random.default_rng(0).integers(1, 1000, 2000)
    pieces = similar_pieces(length, 10, 5)
    assert np.array_equal(np.sort(np.concatenate(pieces)), np.arange(2000))
    assert max(map(len, pieces)) == 10 and len(pieces) == 200
    for first in range(0, 200, 32):  # a window of 32 pieces
        window = pieces[first : first + 32]
        assert np.array_equal(np.sort(np.concatenate(window)), np.arange(first * 10, min(first * 10 + 320, 2000)))
        assert np.all(np.diff(length[np.concatenate(window)]) >= 0)


def test_long_lists_wait_for_none() -> None:
    pieces = similar_pieces(np.array([3, 1, 2, 9, 4]), 2, 10_000_000)
    assert [np.sort(piece).tolist() for piece in pieces] == [[0, 1], [2, 3], [4]]
