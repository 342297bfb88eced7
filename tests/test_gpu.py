"""What is done on a rented GPU machine, tried without one: the benchmarks in small, and each step of scripts/gpu.sh."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks import gpu

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "gpu.sh"


def script(*words: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    given = {"GPU_VENV": str(Path(sys.executable).parents[1]), "GPU_FOLDER": str(folder), **variables}
    return subprocess.run(
        [str(SCRIPT), *words], env=os.environ | given, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 4
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("error: no GPU is visible, so nothing can be measured here")


@pytest.mark.slow
def test_the_scans_of_the_gpu_benchmark_run() -> None:
    lines = list(gpu.scan_rows(gpu.SMALL))
    rows = [line for line in lines[2:] if "Error" not in line]
    assert lines[0].startswith("memory: ") and len(rows) == len(lines) - 2 >= 8
    assert sum("torch.compile" in row for row in rows) == 4 and sum("bfloat16" in row for row in rows) == len(rows) / 2
    assert gpu.bytes_moved(2, 3, torch.float32, True) == 2 * gpu.bytes_moved(2, 3, torch.bfloat16, True)


@pytest.mark.slow
def test_the_epochs_of_the_gpu_benchmark_run() -> None:
    _, *rows = gpu.epoch_rows(gpu.SMALL, None, until=time.monotonic() + 600)
    assert [row.split()[:2] for row in rows] == [[m, p] for m in gpu.MODELS for p in ("float32", "bf16")]
    assert all(float(row.split()[2]) > 0 and row.split()[3].endswith("%") for row in rows)
    late = list(gpu.epoch_rows(gpu.SMALL, None, until=0.0))
    assert all("not reached" in row for row in late[1:])


def test_the_script_is_sound_and_prints_its_steps(tmp_path: Path) -> None:
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(SCRIPT)], check=True)
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    done = script("--dry-run", folder=tmp_path / "gpu")
    assert done.returncode == 0, done.stdout + done.stderr
    commands = [line for line in done.stdout.splitlines() if line.startswith("+ ")]
    for words in ("nvidia-smi", "doctor", "convert ml-1m --download", "preflight", "benchmarks.gpu", "experiment run"):
        assert any(words in command for command in commands), words
    assert not (tmp_path / "gpu").exists()
    assert "there is no step fly" in script("--dry-run", folder=tmp_path, GPU_STEPS="fly").stdout
    assert script("--fly", folder=tmp_path).returncode == 2


def test_a_step_that_fails_is_named_and_made_again(tmp_path: Path) -> None:
    broken = {"GPU_VENV": str(tmp_path / "none"), "GPU_NEEDED": "no", "GPU_STEPS": "packages"}
    first = script("--foreground", folder=tmp_path, **broken)
    assert first.returncode == 1 and "packages ended with exit code 1" in first.stdout
    assert not (tmp_path / "packages.done").exists()
    second = script("--foreground", folder=tmp_path, GPU_NEEDED="no", GPU_STEPS="packages")
    assert second.returncode == 0 and (tmp_path / "packages.done").exists(), second.stdout + second.stderr
    third = script("--foreground", folder=tmp_path, GPU_NEEDED="no", GPU_STEPS="packages")
    assert "packages: done before" in third.stdout and "packages: done" in script("--status", folder=tmp_path).stdout


@pytest.mark.slow
def test_the_script_trains_without_a_gpu(tmp_path: Path) -> None:
    template = tmp_path / "tiny.yaml"
    template.write_text("model: BPR\ndataset: ml-100k\nepochs: 1\nseeds: [1]\ncriteria: [hit@10 > 2]\nbaselines: []\n")
    given = {
        **{"GPU_TEMPLATE": str(template), "GPU_MODEL": "BPR", "GPU_DATASET": "ml-100k", "GPU_SEEDS": "1"},
        **{"GPU_NEEDED": "no", "GPU_STEPS": "machine data train", "GPU_SETTINGS": "embedding_size=8"},
    }
    done = script("--foreground", folder=tmp_path / "gpu", **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a criterion of the template does not hold" in done.stdout
    assert len(list((tmp_path / "gpu").glob("experiments/*/runs/*/result.json"))) == 1
