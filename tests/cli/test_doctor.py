import pytest
import torch

from recbole_ext.cli import doctor
from recbole_ext.ssm import backend_status


def test_the_report_has_every_part() -> None:
    text = doctor.report()
    for title in ("packages", "scan back ends", "devices", "machine", "data sets"):
        assert f"{title}:\n" in text
    for name in ("torch", "recbole", "numpy", "python", *backend_status()):
        assert f"  {name}" in text
    assert "memory: " in text and "disk: " in text and "cpu: ok" in text and "ml-100k" in text
    assert "python -m dataset_tools convert" in text


def test_the_quick_report_says_what_it_leaves_out() -> None:
    text = doctor.report(quick=True)
    for title in ("packages", "not examined", "machine", "data sets"):
        assert f"{title}:\n" in text
    assert "devices:\n" not in text and "scan back ends and devices: `doctor` without --quick" in text


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("pandas", "2.3.3", "pandas 2.3.3: ok"),
        ("torch", "2.9.1", "torch 2.9.1: too old; run: pip install 'torch>=2.10'"),
        ("torch", "2.1.2+cu121", "torch 2.1.2+cu121: too old; run: pip install 'torch>=2.10'"),
        ("torch", "2.10.0", "torch 2.10.0: ok"),
        ("numpy", "2.1.0", "numpy 2.1.0: RecBole breaks on it; run: pip install 'numpy<2'"),
        ("pandas", "3.0.0", "pandas 3.0.0: RecBole breaks on it; run: pip install 'pandas<3'"),
        ("scipy", "1.13.1", "scipy 1.13.1: RecBole breaks on it; run: pip install 'scipy<1.13'"),
        ("scipy", "1.12.0", "scipy 1.12.0: ok"),
    ],
)
def test_a_package_out_of_range_comes_with_its_command(name: str, number: str, message: str) -> None:
    assert doctor._package(name, number, (3, 11)) == message


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("numpy", "1.26.4", "numpy 1.26.4: too old; run: pip install 'numpy>=2.1'"),
        ("numpy", "2.3.5", "numpy 2.3.5: ok"),
        ("scipy", "1.18.1", "scipy 1.18.1: ok"),
        ("pandas", "3.0.0", "pandas 3.0.0: RecBole breaks on it; run: pip install 'pandas<3'"),
    ],
)
def test_python_3_13_has_ranges_of_its_own(name: str, number: str, message: str) -> None:
    assert doctor._package(name, number, (3, 13)) == message


def test_all_installed_packages_are_in_their_ranges() -> None:
    lines = doctor.report(quick=True).split("not examined")[0].splitlines()[1:]
    assert [line for line in lines if not line.endswith(": ok")] == []


def test_a_back_end_says_why_it_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    message = {"reference": None, "mamba_ssm": "pip install mamba-ssm"}
    monkeypatch.setattr("recbole_ext.ssm.backend.backend_status", lambda: message)
    assert "  reference: ok\n  mamba_ssm: pip install mamba-ssm\n" in doctor.report()


def test_without_a_gpu_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "cuda: this torch is built without CUDA" in doctor.report()
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    assert "cuda: no GPU is visible; check with: nvidia-smi" in doctor.report()


def test_a_gpu_is_named_with_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (5_000_000_000, 8_000_000_000))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Some GPU")
    assert doctor._devices()[1] == "cuda:0: Some GPU, 5.0 of 8.0 GB free"
