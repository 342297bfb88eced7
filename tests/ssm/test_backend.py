"""How a back end is chosen, and what is said when it cannot run."""

import importlib.util
import logging

import pytest
import torch

from recbole_ext.ssm import BACKENDS, BackendUnavailable, backend, backend_status, mamba_ssm, resolve_backend


@pytest.fixture(autouse=True)
def _fresh_choice() -> None:
    backend._resolve.cache_clear()


@pytest.fixture
def _mamba_ssm_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only mamba-ssm: neither triton nor numba."""
    installed = {"selective_scan_cuda": True}
    monkeypatch.setattr(importlib.util, "find_spec", installed.get)


def test_reference_and_parallel_run_everywhere() -> None:
    for name in ("reference", "parallel"):
        for device_type in ("cpu", "cuda", "mps"):
            assert resolve_backend(name, device_type) == name


def test_auto_on_mps_is_parallel() -> None:
    assert resolve_backend("auto", "mps") == "parallel"


def test_auto_resolution_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="recbole_ext.ssm"):
        chosen = [resolve_backend("auto", "cpu") for _ in range(3)]
    assert len(set(chosen)) == 1
    assert [r.getMessage() for r in caplog.records] == [f"selective_scan on cpu (torch.float32): back end {chosen[0]}"]


@pytest.mark.usefixtures("_mamba_ssm_installed")
def test_auto_on_cuda_takes_mamba_ssm_only_for_what_it_can_do() -> None:
    assert resolve_backend("auto", "cuda") == "mamba_ssm"
    assert resolve_backend("auto", "cuda", carries_state=True) == "parallel"
    assert resolve_backend("auto", "cuda", "diagonal_scan", torch.complex64) == "parallel"


def test_mamba_ssm_needs_cuda_tensors() -> None:
    with pytest.raises(BackendUnavailable, match=r"mamba_ssm cannot run selective_scan here: it runs on CUDA"):
        resolve_backend("mamba_ssm", "cpu")


def test_missing_mamba_ssm_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match=r"pip install --no-build-isolation 'mamba-ssm>=2\.2\.2,<2\.3'"):
        resolve_backend("mamba_ssm", "cuda")


@pytest.mark.usefixtures("_mamba_ssm_installed")
def test_mamba_ssm_refuses_what_its_kernel_lacks() -> None:
    with pytest.raises(BackendUnavailable, match="no diagonal_scan"):
        resolve_backend("mamba_ssm", "cuda", "diagonal_scan")
    with pytest.raises(BackendUnavailable, match="takes no initial_state"):
        resolve_backend("mamba_ssm", "cuda", carries_state=True)


def test_mamba_ssm_adapter_refuses_a_state_itself() -> None:
    x = torch.ones(1, 1, 1)
    with pytest.raises(BackendUnavailable, match="takes no initial_state; use backend=auto"):
        mamba_ssm.selective_scan(x, x, x[0], x, x, x[0, 0], initial_state=x)


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"backend must be auto or one of reference, .* \(got numpy\)"):
        resolve_backend("numpy", "cpu")


def test_status_lists_every_backend() -> None:
    status = backend_status()
    assert set(status) == set(BACKENDS)
    assert status["reference"] is None


def test_unavailable_ends_a_command_with_exit_code_4() -> None:
    assert issubclass(BackendUnavailable, RuntimeError)
    assert BackendUnavailable.exit_code == 4


def test_auto_on_cpu_is_the_kernel_where_it_has_the_type() -> None:
    assert resolve_backend("auto", "cpu") == "cpu"
    assert resolve_backend("auto", "cpu", "diagonal_scan", torch.complex64) == "cpu"
    assert resolve_backend("auto", "cpu", dtype=torch.float64) == "parallel"


def test_cpu_kernel_without_numba_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match="numba is not installed; run: pip install numba"):
        resolve_backend("cpu", "cpu")
    assert resolve_backend("auto", "cpu") == "parallel"


def test_cpu_kernel_refuses_other_devices_and_types() -> None:
    with pytest.raises(BackendUnavailable, match=r"runs on CPUs only, and this is cuda"):
        resolve_backend("cpu", "cuda")
    with pytest.raises(BackendUnavailable, match=r"no kernel for torch.float64"):
        resolve_backend("cpu", "cpu", dtype=torch.float64)


def test_auto_on_cuda_is_triton_where_it_has_the_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", {"triton": True}.get)
    for dtype in (torch.float32, torch.bfloat16):
        assert resolve_backend("auto", "cuda", dtype=dtype, carries_state=True) == "triton"
    assert resolve_backend("auto", "cuda", "diagonal_scan", torch.complex64) == "triton"
    assert resolve_backend("auto", "cuda", dtype=torch.float64) == "parallel"


def test_triton_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match=r"triton cannot run .* CUDA GPUs only, and this is cpu"):
        resolve_backend("triton", "cpu")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match="triton is not installed; run: pip install triton"):
        resolve_backend("triton", "cuda")


def test_the_declared_names_are_those_that_have_conditions() -> None:
    assert tuple(backend._OBSTACLES) == BACKENDS
