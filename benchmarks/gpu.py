"""Everything that is to be measured on a GPU, in one command of less than ten minutes.

    python -m dataset_tools convert ml-1m --download --output dataset
    python -m benchmarks.gpu --data_path=dataset      # on an NVIDIA GPU; exit code 4 where there is none
    python -m benchmarks.gpu --small                  # the same code with small sizes, on any machine; no results

Scans: the selective scan, forward alone and with backward, in float32 and bfloat16, beside torch.compile of the plain
PyTorch scan and mamba-ssm where it is installed; each row against the time in which the memory moves the bytes that a
scan cannot avoid. Epochs: SS4Rec and HybridVAE on ML-1M, a whole training epoch in float32 and in bfloat16, or as many
of its batches as fit into the time, from which the epoch is extrapolated. Memory is the most that torch had allocated.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.command import execute
from benchmarks.machine import describe
from benchmarks.scan import D, N, Work, least_seconds, selective_inputs
from recbole_ext.errors import ResourceError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.preflight.estimate import FirstBatches
from recbole_ext.ssm import backend_status, selective_scan

MINUTES = 9.0
WARM_UP = 3
LENGTH = 200
IN_BYTES = {torch.float32: 4, torch.bfloat16: 2}


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        device: where.
        batch, length: of the scan.
        repetitions: of each scan.
        block: float32 numbers that are moved to measure the memory.
        dataset: of the epochs.
        batches: of an epoch at most.
        compiler: of torch.compile.
    """

    device: str
    batch: int
    length: int
    repetitions: int
    block: int
    dataset: str
    batches: int
    compiler: str


FULL = Size("cuda", 256, LENGTH, 20, 2**28, "ml-1m", 10**9, "inductor")
SMALL = Size("cpu", 2, 16, 1, 2**16, "ml-100k", 2, "eager")
MODELS: dict[str, dict[str, Any]] = {
    "SS4Rec": {
        "MAX_ITEM_LIST_LENGTH": LENGTH,
        "user_inter_num_interval": "[5,inf)",
        "item_inter_num_interval": "[5,inf)",
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    },
    "HybridVAE": {},
}


def bytes_moved(batch: int, length: int, dtype: torch.dtype, backward: bool) -> int:
    """What a scan reads and writes at least, with its gradients; narrow gradients and states are left out.

    Forward: u, delta, B and C once, y once. Backward: these four again, y's gradient, and four gradients.
    """
    wide, narrow = (8, 6) if backward else (3, 2)
    return IN_BYTES[dtype] * batch * length * (wide * D + narrow * N)


def seconds_per_byte(size: Size) -> float:
    """Of the memory, by adding 1 to a large block: each byte is read and written."""
    block = torch.empty(size.block, device=size.device)
    seconds = least_seconds({"add": lambda: (block.add_(1), None)[1]}, size.repetitions)["add"]
    return seconds / (2 * 4 * size.block)


def scans(size: Size) -> dict[str, Callable[..., Tensor]]:
    """Name -> scan; those that work on this machine, and the plain one compiled."""
    names = ("triton", "mamba_ssm") if size.device == "cuda" else ("cpu", "parallel")
    usable = [name for name in names if backend_status()[name] is None]
    found: dict[str, Callable[..., Tensor]] = {
        name: lambda *inputs, name=name: selective_scan(*inputs, backend=name)[0] for name in usable
    }
    plain = torch.compile(lambda *inputs: selective_scan(*inputs, backend="parallel")[0], backend=size.compiler)
    return found | {"torch.compile": plain}


def scan_work(scan: Callable[..., Tensor], inputs: list[Tensor], backward: bool) -> Work:
    """One pass of a scan."""
    grad = torch.randn_like(inputs[0])

    def work() -> None:
        if not backward:
            with torch.no_grad():
                scan(*inputs)
            return
        torch.autograd.grad(scan(*inputs), inputs, grad)

    return work


def scan_rows(size: Size) -> Iterator[str]:
    """A row per scan, direction and type."""
    per_byte = seconds_per_byte(size)
    yield f"memory: {1 / per_byte / 1e9:,.0f} GB/s"
    yield f"{'scan':16}{'pass':>18}{'type':>10}{'ms':>10}{'x memory':>10}{'MB':>8}"
    for dtype in IN_BYTES:
        inputs = selective_inputs(size.batch, size.length, size.device, dtype)
        for backward in (False, True):
            bound = per_byte * bytes_moved(size.batch, size.length, dtype, backward)
            for name, scan in scans(size).items():
                yield _scan_row(name, scan_work(scan, inputs, backward), size, dtype, backward, bound)


def _scan_row(name: str, work: Work, size: Size, dtype: torch.dtype, backward: bool, bound: float) -> str:
    kind = "forward, backward" if backward else "forward"
    begun = f"{name:16}{kind:>18}{str(dtype).removeprefix('torch.'):>10}"
    forget_peak(size.device)
    try:
        seconds = least_seconds({name: work}, size.repetitions)[name]
    except Exception as error:  # a compiler that cannot do it is a result too
        return f"{begun}  {type(error).__name__}: {str(error).splitlines()[0][:60] if str(error) else ''}"
    return f"{begun}{1e3 * seconds:>10.3f}{seconds / bound:>10.1f}{peak_mb(size.device)}"


def epoch_rows(size: Size, data_path: str | None, until: float) -> Iterator[str]:
    """A row per model and precision."""
    yield f"{'training epoch':16}{'precision':>10}{'s':>10}{'measured':>10}{'MB':>8}"
    for model, settings in MODELS.items():
        for precision in ("float32", "bf16"):
            if time.monotonic() > until:
                yield f"{model:16}{precision:>10}  not reached in {MINUTES:g} minutes"
                continue
            given = {**settings, "device": size.device, "precision": precision}
            given |= {"data_path": data_path} if data_path else {}
            forget_peak(size.device)
            seconds, share = epoch(build_config(model, size.dataset, [], given), size, until)
            yield f"{model:16}{precision:>10}{seconds:>10.2f}{share:>10.0%}{peak_mb(size.device)}"


def epoch(config: Any, size: Size, until: float) -> tuple[float, float]:
    """Seconds of a training epoch, and the fraction of its batches from which they are extrapolated."""
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    trainer.train_epoch(FirstBatches(loaders.train, WARM_UP), 0)
    per_batch = _timed(trainer, FirstBatches(loaders.train, WARM_UP), size.device) / min(WARM_UP, len(loaders.train))
    fit = int(max(1, (until - time.monotonic()) / 4 / max(per_batch, 1e-9)))
    part = FirstBatches(loaders.train, min(size.batches, fit))
    share = len(part) / len(loaders.train)
    return _timed(trainer, part, size.device) / share, share


def _timed(trainer: Any, batches: Any, device: str) -> float:
    _wait(device)
    started = time.perf_counter()
    trainer.train_epoch(batches, 0)
    _wait(device)
    return time.perf_counter() - started


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """Begin a new largest memory."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_mb(device: str) -> str:
    """The largest memory that torch had allocated on the GPU, as a cell; "-" elsewhere."""
    return f"{torch.cuda.max_memory_allocated() / 2**20:>8,.0f}" if device == "cuda" else f"{'-':>8}"


def measure(size: Size, data_path: str | None, minutes: float = MINUTES) -> Iterator[str]:
    """All lines.

    Raises:
        ResourceError: a GPU is asked for and there is none.
    """
    if size.device == "cuda" and not torch.cuda.is_available():
        raise ResourceError(
            "no GPU is visible, so nothing can be measured here; run this on a machine with an NVIDIA GPU (doctor says "
            "what is missing), or try the code with --small"
        )
    until = time.monotonic() + 60 * minutes
    yield describe()
    if size is SMALL:
        yield "small sizes on a CPU: this shows that the code runs; its numbers mean nothing"
    yield from scan_rows(size)
    yield from epoch_rows(size, data_path, until)


def main(words: list[str] | None = None) -> int:
    """Print the tables; 4 where there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_path", help="folder of the data sets, with ml-1m in it")
    parser.add_argument("--small", action="store_true", help="small sizes on a CPU")
    arguments = parser.parse_args(words)
    try:
        for line in measure(SMALL if arguments.small else FULL, arguments.data_path):
            print(line, flush=True)
    except ResourceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    torch.manual_seed(0)
    execute(main)
