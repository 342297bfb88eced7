import configparser
from pathlib import Path

import pytest
import torch

from recbole_ext.cli.main import main
from recbole_ext.preflight import doctor, gpu, packages
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
        ("numpy", "2.1.0", "numpy 2.1.0: too new, it does not work; run: pip install 'numpy<2'"),
        ("pandas", "3.0.0", "pandas 3.0.0: too new, it does not work; run: pip install 'pandas<3'"),
        ("scipy", "1.13.1", "scipy 1.13.1: too new, it does not work; run: pip install 'scipy<1.13'"),
        ("scipy", "1.12.0", "scipy 1.12.0: ok"),
    ],
)
def test_a_package_out_of_range_comes_with_its_command(name: str, number: str, message: str) -> None:
    assert line_of(name, number, (3, 11)) == message


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("numpy", "1.26.4", "numpy 1.26.4: too old; run: pip install 'numpy>=2.1'"),
        ("numpy", "2.3.5", "numpy 2.3.5: ok"),
        ("scipy", "1.18.1", "scipy 1.18.1: ok"),
        ("pandas", "3.0.0", "pandas 3.0.0: too new, it does not work; run: pip install 'pandas<3'"),
    ],
)
def test_python_3_13_has_ranges_of_its_own(name: str, number: str, message: str) -> None:
    assert line_of(name, number, (3, 13)) == message


def test_all_installed_packages_are_in_their_ranges() -> None:
    lines = doctor.report(quick=True).split("optional packages")[0].splitlines()[1:]
    assert [line for line in lines if not line.endswith(": ok")] == [] == doctor.broken()
    assert {"numba", "kmeans-pytorch", "torch", "recbole"} <= {line.split()[0] for line in lines}


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
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(gpu, "_asked", lambda *words: "570.86.10\n" if words else "| CUDA Version: 12.8     |")
    assert gpu.gpu_lines()[:3] == [
        "CUDA: torch is built for 12.8",
        "driver: 570.86.10, supports CUDA 12.8",
        "cuda:0: Some GPU, 5.0 of 8.0 GB free",
    ]


def test_a_driver_older_than_torch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(gpu, "_asked", lambda *words: "470.57.02\n" if words else "| CUDA Version: 11.4     |")
    assert "the driver supports CUDA 11.4, and torch is built for CUDA 12.8; update the driver" in gpu.gpu_lines()[2]


def line_of(name: str, number: str, python: tuple[int, int]) -> str:
    wanted = next(one for one in packages.declared(python=python) if one.name == name)
    return packages.judged(wanted, number).line()


@pytest.mark.parametrize(
    ("group", "name", "command"),
    [
        ("tune", "ray", "pip install 'ray[tune]>=2.54'"),
        ("tune", "optuna", "pip install 'optuna>=4'"),
        ("wandb", "wandb", "pip install 'wandb>=0.19'"),
        ("cuda", "mamba-ssm", "pip install --no-build-isolation 'mamba-ssm>=2.2.2,<2.3'"),
    ],
)
def test_an_optional_package_comes_with_what_needs_it(
    group: str, name: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_installed", lambda name: "")
    line = f"{name}: not installed; run: {command} ({packages.PURPOSES[group]})"
    assert line in doctor.report(quick=True)


def test_the_groups_are_those_of_setup_cfg() -> None:
    parser = configparser.ConfigParser()
    parser.read(Path(__file__).parents[2] / "setup.cfg")
    assert set(packages.PURPOSES) - {"tune"} == set(parser["options.extras_require"]) - {"test"}


def test_a_missing_required_package_is_a_missing_resource(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = packages._installed
    monkeypatch.setattr(packages, "_installed", lambda name: "" if name == "kmeans-pytorch" else installed(name))
    assert main(["doctor", "--quick"]) == 4
    assert "kmeans-pytorch: not installed; run: pip install 'kmeans-pytorch>=0.3'" in capsys.readouterr().out


def test_installed_metadata_declares_what_setup_cfg_does(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["numba>=0.59", 'numpy<2; python_version < "3.13"', 'wandb>=0.19; extra == "wandb"']
    monkeypatch.setattr(packages, "__file__", "/nowhere/recbole_ext/preflight/packages.py")
    monkeypatch.setattr(packages, "requires", lambda name: texts)
    assert [str(one) for one in packages.declared(python=(3, 13))] == ["numba>=0.59"]
    assert [one.name for one in packages.declared("wandb")] == ["wandb"]
