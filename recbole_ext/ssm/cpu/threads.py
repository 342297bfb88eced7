"""Work shared out over torch's own OpenMP threads, which are awake already; over Python threads where torch has others.

A step of training is a chain of short operations. Threads of our own would have to be woken for each kernel, which
takes longer than some of the kernels, and would find torch's threads still spinning on their cores.
"""

import ctypes
import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LOADED = Path("/proc/self/maps")
_HOME = os.getpid()


def workers(batch: int) -> int:
    """How many threads share a batch."""
    return max(1, min(batch, torch.get_num_threads()))


def share_out(
    kernel: Any, batch: int, integers: Sequence[int], arrays: Sequence[Tensor], own: Sequence[Tensor] = ()
) -> None:
    """Call a compiled kernel for each share of the sequences, at the same time.

    Args:
        kernel: a `cfunc` of `shares.SIGNATURE`.
        batch: number of sequences.
        integers: what the kernel reads with `integer`, up to four.
        arrays: contiguous tensors that all shares read and write.
        own: contiguous tensors (`workers(batch)`, ...), of which each share has its own row.
    """
    from recbole_ext.ssm.cpu.shares import ARRAYS, INTEGERS, take_part

    shares = workers(batch)
    words = np.zeros(ARRAYS + 3 * (len(arrays) + len(own)), np.int64)
    words[1:INTEGERS] = shares, batch, kernel.address
    words[INTEGERS : INTEGERS + len(integers)] = integers
    described = [(x.data_ptr(), x.numel(), 0) for x in arrays]
    described += [(x.data_ptr(), x.numel() // shares, x.numel() // shares) for x in own]
    words[ARRAYS:] = np.array(described, np.int64).reshape(-1)
    _together(take_part, words.ctypes.data, shares)


def _together(part: Any, words: int, threads: int) -> None:
    start = _openmp() if threads > 1 and os.getpid() == _HOME else None  # a forked child has no OpenMP threads left
    if start:
        start(part.address, words, threads, 0)
        return
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(part.address)
    others = [_pool(os.getpid(), threads - 1).submit(call, words) for _ in range(1, threads)]
    call(words)
    for other in others:
        other.result()


@functools.lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "scan")


@functools.cache
def _openmp() -> Callable[[int, int, int, int], None] | None:
    """`GOMP_parallel` of the OpenMP library that torch runs on; None where torch has none with this entry."""
    paths = sorted(_openmp_libraries(), key=lambda path: "torch" not in path.parts)
    for path in paths:
        function = getattr(ctypes.CDLL(str(path)), "GOMP_parallel", None)
        if function:
            function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
            return function
    return None


def _openmp_libraries() -> set[Path]:
    """OpenMP libraries that this process has loaded; on Linux alone can that be read."""
    if not _LOADED.exists():
        return set()
    words = (line.split(maxsplit=5) for line in _LOADED.read_text().splitlines())
    paths = {Path(parts[5]) for parts in words if len(parts) == 6}
    return {path for path in paths if path.name.startswith(("libgomp", "libiomp5", "libomp"))}
