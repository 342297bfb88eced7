"""Retrieval by 8-bit vectors: a quarter of the memory is read, and the result is that of the exact search."""

from typing import Any

import numpy as np

from recbole_ext.serving.retrieval.exact import NONE, panels_of
from recbole_ext.ssm.cpu.operators import kernel_module

Array = np.ndarray[Any, Any]
_LARGEST_CODE, _LARGEST_SHORT, _LARGEST_SUM = 127, 32767, 2**31 - 1


class Int8Index:
    """Vectors in 8 bits with a scale each, beside the float32 ones; see `int8_kernel.py`.

    Args:
        vectors: (n, d) float32; kept.

    Attributes:
        scored: candidates that the last search scored in float32.
    """

    def __init__(self, vectors: Array) -> None:
        int8_kernel = kernel_module("int8_kernel", "recbole_ext.serving.retrieval")
        self._top, self.scored = int8_kernel.top, 0
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        n, width = self.vectors.shape
        self._width = width + width % 2
        self._largest = min(_LARGEST_SHORT, _LARGEST_SUM // (_LARGEST_CODE * self._width))
        scales = np.abs(self.vectors).max(axis=1, initial=0) / _LARGEST_CODE
        codes = np.zeros((n, self._width), dtype=np.int8)
        errors = np.empty(n)
        for start in range(0, n, 2**16):  # what is needed besides stays small
            part = slice(start, start + 2**16)
            of, scale = self.vectors[part], np.where(scales[part] > 0, scales[part], 1)[:, np.newaxis]
            codes[part, :width] = np.rint(of / scale)
            errors[part] = self._error(of, codes[part, :width] * scale)
        self._codes = _paired_panels(codes, int8_kernel.ROWS)
        padding = -n % int8_kernel.ROWS
        self._scales, self._errors = (np.pad(of, (0, padding)).astype(np.float32) for of in (scales, errors))

    def _error(self, vectors: Array, coded: Array) -> Array:
        """Bounds of |q . v - q . coded| / |q|: of the codes, of the query in 16 bits, and of float32 sums."""
        of_query = np.sqrt(self._width) / 2 / self._largest + 1e-5
        length = np.sqrt(np.square(vectors, dtype=np.float64).sum(1))
        return np.sqrt(np.square(vectors - coded, dtype=np.float64).sum(1)) + of_query * 1.01 * length

    def top(self, query: Array, k: int, excluded: Array = NONE) -> tuple[Array, Array]:
        """See `Index`."""
        query = np.ascontiguousarray(query, dtype=np.float32)
        k = min(k, len(self.vectors))
        scores, items = np.empty(k, dtype=np.float32), np.empty(k, dtype=np.int64)
        largest = float(np.abs(query).max(initial=0))
        scale = largest / self._largest if largest else 1.0
        shorts = np.zeros(self._width, dtype=np.int16)
        shorts[: len(query)] = np.rint(query / scale)
        length = float(np.sqrt(np.square(query, dtype=np.float64).sum()))
        self.scored = self._top(
            *(self._codes, len(self.vectors), shorts.view(np.int32), scale, length, self._scales, self._errors),
            *(self.vectors, query, np.sort(np.asarray(excluded, dtype=np.int64)), scores, items),
        )
        return items[items >= 0], scores[items >= 0]


def _paired_panels(codes: Array, rows: int) -> Array:
    """(n, d) -> (panels, d / 2, rows, 2) flat; two int8 of a row are moved as one int16."""
    return panels_of(codes.view(np.int16), rows).view(np.int8)
