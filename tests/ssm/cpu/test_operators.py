"""What is particular to the CPU kernels: threads, memory, the notice while compiling, numbers at the edge."""

import ctypes
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from llvmlite import binding, ir
from numba import njit

from recbole_ext.ssm import diagonal_scan, selective_scan
from recbole_ext.ssm.cpu import operators as cpu
from recbole_ext.ssm.cpu import shares as cpu_shares
from recbole_ext.ssm.cpu import threads as cpu_threads
from recbole_ext.ssm.cpu.simd import LANES, exp2, load, store, total


@pytest.fixture
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def inputs(batch: int, length: int, channels: int, states: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    u, delta = torch.randn(batch, length, channels), torch.rand(batch, length, channels) * 0.2
    A = -torch.arange(1.0, states + 1).repeat(channels, 1)
    B, C = torch.randn(batch, length, states), torch.randn(batch, length, states)
    return [x.requires_grad_() for x in (u, delta, A, B, C, torch.randn(channels))]


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("openmp", [True, False])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_at_the_size_of_a_model_on_any_number_of_threads(
    threads: int, openmp: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(threads)
    if not openmp:
        monkeypatch.setattr(cpu_threads, "_openmp", lambda: None)
    args = inputs(4, 50, 128, 32)
    weight = torch.randn(4, 50, 128)
    results = []
    for backend in ("cpu", "reference"):
        y, _ = selective_scan(*args, backend=backend)
        results.append([y, *torch.autograd.grad(y, args, weight)])
    for got, expected in zip(*results, strict=True):
        assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.usefixtures("_threads")
def test_fewer_threads_than_shares_do_all_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenMP may give fewer threads than were asked for."""
    torch.set_num_threads(3)
    alone = lambda part, words, threads, flags: ctypes.CFUNCTYPE(None, ctypes.c_void_p)(part)(words)  # noqa: E731
    monkeypatch.setattr(cpu_threads, "_openmp", lambda: alone)
    args = inputs(4, 20, 32, 4)
    got, expected = (torch.autograd.grad(selective_scan(*args, backend=b)[0].sum(), args) for b in ("cpu", "reference"))
    for x, y in zip(got, expected, strict=True):
        assert (x - y).abs().max() <= 1e-5 * y.abs().max()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*")
@pytest.mark.usefixtures("_threads")
def test_a_forked_child_has_threads_of_its_own() -> None:
    torch.set_num_threads(2)
    args = inputs(4, 20, 32, 4)
    expected = selective_scan(*args, backend="cpu")[0].sum().item()
    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(0 if selective_scan(*args, backend="cpu")[0].sum().item() == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.usefixtures("_threads")
def test_diagonal_scan_on_two_threads() -> None:
    torch.set_num_threads(2)
    a, b = torch.rand(5, 20, 3, dtype=torch.complex64), torch.rand(5, 20, 3, dtype=torch.complex64)
    got, expected = (diagonal_scan(a, b, backend=name) for name in ("cpu", "reference"))
    assert torch.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("channels", "states"), [(1, 1), (5, 3), (16, 5), (33, 2)])
def test_sizes_that_fill_neither_vectors_nor_pairs(channels: int, states: int) -> None:
    args = [*inputs(3, 21, channels, states), torch.randn(3, channels, states, requires_grad=True)]
    results = []
    for backend in ("cpu", "reference"):
        y, last = selective_scan(*args[:6], initial_state=args[6], backend=backend)
        results.append([y, last, *torch.autograd.grad(y.sin().sum() + last.cos().sum(), args)])
    for got, expected in zip(*results, strict=True):
        assert got.shape == expected.shape
        assert (got - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)


def test_same_threads_same_bits() -> None:
    args = inputs(4, 50, 32, 4)
    runs = [torch.autograd.grad(selective_scan(*args, backend="cpu")[0].sum(), args) for _ in range(2)]
    assert all(torch.equal(x, y) for x, y in zip(*runs, strict=True))


def test_extra_memory_stays_under_50_mb() -> None:
    args = inputs(64, 200, 128, 32)
    saved: dict[int, int] = {}

    def record(x: torch.Tensor) -> torch.Tensor:
        saved[x.data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(record, lambda x: x):
        y, last = selective_scan(*args, backend="cpu")
    own = sum(saved.values()) - sum(x.untyped_storage().nbytes() for x in args if x.data_ptr() in saved)
    written_by_backward = sum(x.untyped_storage().nbytes() for x in args)
    outputs = y.untyped_storage().nbytes() + last.untyped_storage().nbytes()
    assert own + outputs + written_by_backward < 50e6


def test_nothing_is_kept_without_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []
    inner = cpu._SelectiveScan.apply
    monkeypatch.setattr(cpu._SelectiveScan, "apply", lambda *x: (kept.append(x[-1]), inner(*x))[1])
    args = inputs(2, 20, 16, 4)
    with torch.no_grad():
        selective_scan(*args, backend="cpu")
    selective_scan(*args, backend="cpu")
    assert kept == [False, True]


@pytest.mark.parametrize("position", range(6))
def test_nan_is_not_swallowed(position: int) -> None:
    args = [x.detach() for x in inputs(1, 3, 16, 2)]
    args[position].view(-1)[0] = torch.nan
    assert selective_scan(*args, backend="cpu")[0].isnan().any()


def test_compilation_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cpu, "_NOTICE_AFTER_SECONDS", 0.0)
    cpu.kernel_module.cache_clear()
    with caplog.at_level(logging.WARNING, logger="recbole_ext.ssm"):
        monkeypatch.setattr(cpu.threading.Timer, "cancel", lambda timer: timer.join())
        cpu.kernel_module("selective")
    assert "compiling the selective kernel for this CPU: a few seconds, once on this machine" in caplog.text


def test_loaded_kernels_need_no_notice(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="recbole_ext.ssm"):
        cpu.kernel_module("selective")
        time.sleep(0.01)
    assert not caplog.records


@njit
def _exp2_of(x: np.ndarray, y: np.ndarray) -> None:
    for i in range(0, x.size, LANES):
        store(y, i, exp2(load(x, i)))


@njit
def _total_of(x: np.ndarray) -> float:
    return total(load(x, 0))


def test_exp2_within_two_units_in_the_last_place() -> None:
    x = -np.linspace(0, 125, 1 << 14, dtype=np.float32)
    y = np.empty_like(x)
    _exp2_of(x, y)
    exact = np.exp2(x.astype(np.float64))
    assert np.abs(y / exact - 1).max() < 2 * np.finfo(np.float32).eps


def test_exp2_at_the_edge() -> None:
    x = np.zeros(LANES, np.float32)
    x[:5] = [0, -127, -1e9, -np.inf, np.nan]
    y = np.empty_like(x)
    _exp2_of(x, y)
    assert y[:4].tolist() == [1, 0, 0, 0]
    assert np.isnan(y[4])


def test_total_adds_all_lanes() -> None:
    assert _total_of(np.arange(LANES, dtype=np.float32)) == LANES * (LANES - 1) / 2


def test_denormals_are_flushed_in_the_kernel_only() -> None:
    u = torch.full((1, 1, LANES), 1e-40)
    one = torch.ones(1, 1, 1)
    A, D = -torch.ones(LANES, 1), torch.ones(LANES)
    y, _ = selective_scan(u, torch.ones_like(u), A, one, one, D, backend="cpu")
    assert y.abs().max().item() == 0.0
    assert (torch.full((), 1e-40) * 1.0).item() != 0.0


@pytest.mark.parametrize(
    ("triple", "instructions"),
    [
        ("x86_64-unknown-linux-gnu", ["stmxcsr", "$32832", "ldmxcsr"]),
        ("aarch64-unknown-linux-gnu", ["mrs", "FPCR", "#0x1000000", "msr"]),
        ("arm64-apple-darwin", ["mrs", "FPCR", "#0x1000000", "msr"]),
    ],
)
def test_what_flushes_denormals_on_each_processor(
    triple: str, instructions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Translated for processors that are not here; 32832 is 0x8040."""
    monkeypatch.setattr(cpu_shares, "_ARCHITECTURE", triple.partition("-")[0])
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    module = ir.Module()
    module.triple = triple
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), "flush")
    builder = ir.IRBuilder(function.append_basic_block())
    cpu_shares.set_flushing(builder)
    builder.ret_void()
    machine = binding.Target.from_triple(triple).create_target_machine()
    text = machine.emit_assembly(binding.parse_assembly(str(module)))
    assert all(word in text for word in instructions), text
