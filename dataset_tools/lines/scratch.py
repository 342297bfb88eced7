"""Arrays that each thread keeps and fills again.

A fresh array of some megabytes costs a page fault for each of its pages; on 20,000,000 rows that was a
fifth of all CPU time. A caller must be done with an array before it asks for the same name again, and must
not hand it to another thread.
"""

import threading

import numpy as np

_arrays = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """An array with undefined content; it shares its memory with the last one of this name in this thread."""
    need = int(np.prod(shape)) * np.dtype(dtype).itemsize
    kept: np.ndarray | None = getattr(_arrays, name, None)
    if kept is None or len(kept) < need:
        kept = np.empty(need + need // 8, np.uint8)
        setattr(_arrays, name, kept)
    return kept[:need].view(dtype).reshape(shape)
