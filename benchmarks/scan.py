"""The scans alone, forward and backward, against mambapy's parallel scan and s5-pytorch's.

Run from the repository's root, on an idle machine:

    python -m benchmarks.scan             # CPU: every back end that works here, one thread and two
    python -m benchmarks.scan --cuda      # GPU: Triton, mamba-ssm where it is installed, and the memory's bound

A row is the least of several repetitions, the contestants in turn; the least is what the code costs when
no one disturbs it. mambapy is given the batch size at which it is fastest. Microseconds are per token and
layer: one event of one sequence through D channels with N states (diagonal: P complex modes).
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from mambapy.pscan import pscan
from s5.jax_compat import associative_scan
from s5.s5_model import binary_operator
from torch import Tensor
from torch.nn import functional as F

from benchmarks.command import execute
from benchmarks.machine import describe, forget_peak_memory, peak_memory_mb
from recbole_ext.ssm import backend_status, diagonal_scan, selective_scan

D, N, P = 128, 32, 16
BATCH = 32
REPETITIONS = 7
Work = Callable[[], None]


def selective_inputs(batch: int, length: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """u, delta, A, B, C, D with Mamba's magnitudes, all with gradients."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    delta = F.softplus(normal(batch, length, D) - 4)
    A = -torch.arange(1.0, N + 1).repeat(D, 1)
    B, C = normal(batch, length, N), normal(batch, length, N)
    wide = [x.to(device, dtype) for x in (normal(batch, length, D), delta)]
    narrow = [x.to(device, dtype) for x in (B, C)]
    return [x.requires_grad_() for x in (*wide, A.to(device), *narrow, torch.ones(D, device=device))]


def mambapy_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The scan of mambapy's MambaBlock, written with its `pscan`."""
    decay = torch.exp(delta.unsqueeze(-1) * A)
    drive = (delta * u).unsqueeze(-1) * B.unsqueeze(2)
    return (pscan(decay, drive) @ C.unsqueeze(-1)).squeeze(3) + D * u


def selective_work(backend: str, batch: int, length: int, device: str = "cpu") -> Work:
    """One forward and backward pass."""
    inputs = selective_inputs(batch, length, device)
    grad = torch.randn(batch, length, D, device=device)

    def work() -> None:
        y = mambapy_scan(*inputs) if backend == "mambapy" else selective_scan(*inputs, backend=backend)[0]
        torch.autograd.grad(y, inputs, grad)

    return work


def diagonal_work(backend: str, batch: int, length: int, device: str = "cpu") -> Work:
    """One forward and backward pass of S5's scan, a step per event."""
    a = torch.polar(torch.rand(batch, length, P), torch.randn(batch, length, P)).to(device).requires_grad_()
    b = torch.randn(batch, length, P, dtype=torch.complex64, device=device).requires_grad_()
    grad = torch.randn(batch, length, P, dtype=torch.complex64, device=device)

    def work() -> None:
        if backend == "s5-pytorch":
            x = associative_scan(binary_operator, (a, b), axis=1)[1]
        else:
            x = diagonal_scan(a, b, backend=backend)
        torch.autograd.grad(x, (a, b), grad)

    return work


def least_seconds(contestants: dict[str, Work], repetitions: int = REPETITIONS) -> dict[str, float]:
    """The least time of each, taken in turn; an untimed call before each timed one leaves memory as training does."""
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(repetitions):
        for name, work in contestants.items():
            work()
            _wait()
            started = time.perf_counter()
            work()
            _wait()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def compare_selective(length: int) -> None:
    """The selective scan at one length, on one thread and on two."""
    torch.set_num_threads(1)
    ours, sizes = ("cpu", "parallel"), (1, 2, 4, 8, 16)
    work = {name: selective_work(name, BATCH, length) for name in ours}
    work |= {str(size): selective_work("mambapy", size, length) for size in sizes}
    seconds = least_seconds(work)
    per_token = {name: seconds[name] / (BATCH * length) for name in ours}
    per_token["mambapy"] = min(seconds[str(size)] / (size * length) for size in sizes)
    torch.set_num_threads(2)
    per_token["cpu, 2 threads"] = least_seconds({"cpu": selective_work("cpu", BATCH, length)})["cpu"] / (BATCH * length)
    _table(f"selective scan, D = {D}, N = {N}, L = {length}, batch {BATCH}", per_token, "mambapy")


def compare_diagonal(length: int) -> None:
    """The diagonal scan at one length, on one thread."""
    torch.set_num_threads(1)
    names = ("cpu", "parallel", "s5-pytorch")
    seconds = least_seconds({name: diagonal_work(name, BATCH, length) for name in names})
    per_token = {name: value / (BATCH * length) for name, value in seconds.items()}
    _table(f"diagonal scan, P = {P} complex modes, L = {length}, batch {BATCH}", per_token, "s5-pytorch")


def _table(title: str, per_token: dict[str, float], peer: str) -> None:
    print(f"\n{title}\n{'':18}{'us/token':>10}{'faster than ' + peer:>26}")
    for name, seconds in per_token.items():
        print(f"{name:18}{1e6 * seconds:>10.2f}{per_token[peer] / seconds:>25.1f}x")


def extra_memory() -> None:
    """Peak memory of one pass at B = 64, L = 200 beyond what it was given: outputs and gradients included."""
    selective_work("cpu", 1, 50)()  # compiled, loaded, threads started
    work = selective_work("cpu", 64, 200)
    before = forget_peak_memory()
    work()
    print(f"\nselective scan on the CPU, B = 64, L = 200: {peak_memory_mb() - before:.0f} MB beyond its inputs")


def compare_cuda() -> None:
    """Back ends on a GPU at (B, L, D, N) = (256, 200, 128, 32), and the time the memory needs for the bytes."""
    batch, length = 256, 200
    usable = [name for name in ("triton", "mamba_ssm") if backend_status()[name] is None]
    seconds = least_seconds({name: selective_work(name, batch, length, "cuda") for name in usable}, 20)
    moved = 4 * batch * length * (8 * D + 6 * N)  # u, delta, B, C read twice; y, dy and four gradients once
    block = torch.empty(2**28, device="cuda")
    copied = least_seconds({"copy": lambda: (block.add_(1), None)[1]}, 20)["copy"]
    bound = moved / (2 * 4 * 2**28 / copied)
    print(f"\nselective scan, (B, L, D, N) = {(batch, length, D, N)}: the memory needs {1e3 * bound:.3f} ms")
    for name, value in seconds.items():
        print(f"{name:18}{1e3 * value:>10.3f} ms{value / bound:>8.1f}x the memory's bound")
    diagonal = least_seconds({"triton": diagonal_work("triton", batch, length, "cuda")}, 20)["triton"]
    print(f"diagonal scan, P = {P}, triton: {1e3 * diagonal:.3f} ms")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuda", action="store_true", help="measure on a GPU")
    parser.add_argument("--memory", action="store_true", help="only the memory, in a process of its own")
    arguments = parser.parse_args()
    if arguments.memory:
        extra_memory()
        return
    print(describe())
    if arguments.cuda:
        compare_cuda()
        return
    for length in (50, 200):
        compare_selective(length)
    for length in (50, 200):
        compare_diagonal(length)
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "benchmarks.scan", "--memory"], check=True)


if __name__ == "__main__":
    execute(main)
