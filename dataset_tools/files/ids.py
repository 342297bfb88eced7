"""Identifiers as small integers, so that counts and flags are plain arrays."""

import zlib
from collections.abc import Iterable

import numpy as np

MAX_PLAIN = 1 << 25
_MIXED = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio (Knuth, multiplicative hashing)


class Ids:
    """Codes for the tokens of one field.

    A token that is a number below MAX_PLAIN has the code 2 x number, without any table; every other token
    gets the next odd code. Arrays indexed by code therefore stay small for the ids that real logs have.
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def code(self, token: str) -> int:
        """The code of one token."""
        if token.isascii() and token.isdigit() and str(int(token)) == token and int(token) < MAX_PLAIN:
            return 2 * int(token)
        return self.names.setdefault(token, 2 * len(self.names) + 1)

    def codes(self, tokens: Iterable[str]) -> np.ndarray:
        """(tokens,) int64."""
        return np.array([self.code(token) for token in tokens], np.int64)

    def adopt(self, codes: np.ndarray, names: Iterable[str]) -> np.ndarray:
        """(n,) codes of another numbering in this one; codes without a name mean the same in both.

        Args:
            codes: (n,) int64, of the other numbering.
            names: its `names`, in their order.
        """
        table = self.codes(names)
        if not len(table):
            return codes
        named, place = self._places(codes)
        return np.where(named, table[np.where(named, place, 0)], codes)

    @staticmethod
    def _places(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bool, which codes have a name, and (n,) the place of theirs among the names."""
        return codes % 2 == 1, codes // 2

    def sampled(self, codes: np.ndarray, one_in: int) -> np.ndarray:
        """(n,) bool: whether an id is in a sample of one in so many, which depends on its token alone."""
        if one_in == 1:
            return np.ones(len(codes), bool)
        hashes = ((codes >> 1).astype(np.uint64) * _MIXED) >> np.uint64(32)
        if self.names:
            texts = np.array([zlib.crc32(name.encode()) for name in self.names], np.uint64)
            odd = codes % 2 == 1
            hashes = np.where(odd, texts[np.where(odd, codes >> 1, 0)], hashes)
        return hashes % np.uint64(one_in) == 0

    def tokens(self, codes: np.ndarray) -> list[str]:
        """The tokens of the given codes."""
        names = list(self.names)
        return [str(code // 2) if code % 2 == 0 else names[code // 2] for code in codes.tolist()]


def room_for(array: np.ndarray, codes: np.ndarray, fill: int = 0) -> np.ndarray:
    """`array`, made longer where needed so that every code is an index; new places hold `fill`."""
    need = int(codes.max(initial=-1)) + 1
    if need <= len(array):
        return array
    grown = np.full(max(need, len(array) + len(array) // 2), fill, array.dtype)
    grown[: len(array)] = array
    return grown
