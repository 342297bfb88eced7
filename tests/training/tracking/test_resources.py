import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from recbole_ext.training.tracking import resources
from recbole_ext.training.tracking.resources import OF_MACHINE, Resources, gpu_memory, gpu_use
from recbole_ext.training.tracking.sinks import curve

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_the_columns_of_an_epoch_on_a_cpu() -> None:
    sampled = Resources(CPU)
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:
        sum(range(1000))
    row = sampled.columns()
    assert list(row) == ["memory_mb", "memory_share", "cpu_use"] and all(name.startswith(OF_MACHINE) for name in row)
    assert row["memory_mb"] > 50 and 0 < row["memory_share"] < 1 and 0 < row["cpu_use"] <= 1.1
    assert sampled.most == {} and [curve(name, []) for name in row] == [f"system/{name}" for name in row]


def test_the_most_of_an_epoch_is_kept_and_samples_are_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([0.4, 0.93, 0.5, 0.2])
    monkeypatch.setattr(resources, "memory_share", lambda: next(shares))
    sampled = Resources(CPU)
    for _ in range(3):
        sampled.sample(at_once=True)
        sampled.after_step()  # too early for a sample of its own
    assert sampled.recent()["memory_share"] == 0.93
    assert sampled.columns()["memory_share"] == 0.93


def test_a_gpu_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 4 * 2**30))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="12-ab"))
    asked: list[str] = []
    assert gpu_memory(CUDA) == {"gpu_memory_mb": 3072.0, "gpu_memory_share": 0.75}
    assert gpu_use(CUDA, lambda uuid: asked.append(uuid) or "37\n") == 0.37  # type: ignore[func-returns-value]
    assert asked == ["GPU-12-ab"] and gpu_memory(CPU) == {} and gpu_use(CPU) is None


@pytest.mark.parametrize("answer", ["[N/A]", OSError("no nvidia-smi")])
def test_a_gpu_that_does_not_answer_has_no_use(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="12-ab"))

    def ask(uuid: str) -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert gpu_use(CUDA, ask) is None
