"""The memory of a machine, and of a container that has less."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from recbole_ext import host_memory


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of 1000 bytes, 400 of them available, and an empty folder of control groups."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1000, available=400))
    monkeypatch.setattr(host_memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(host_memory, "MEMBERSHIP", tmp_path / "membership")
    return tmp_path


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_without_control_groups_the_machine_counts(machine: Path) -> None:
    assert (host_memory.memory_total(), host_memory.memory_share()) == (1000, pytest.approx(0.6))


def test_the_nearest_limit_of_version_2_counts_without_the_cache_of_files(machine: Path) -> None:
    (machine / "membership").write_text("0::/a/b\n")
    write(machine / "groups" / "a", memory__max="500\n", memory__current="300\n")
    write(
        machine / "groups" / "a" / "b",
        memory__max="200\n",
        memory__current="195\n",
        memory__stat="anon 5\ninactive_file 10\n",
    )
    assert (host_memory.memory_total(), host_memory.memory_share()) == (200, pytest.approx(0.925))


def test_a_container_sees_its_own_group_as_the_root(machine: Path) -> None:
    (machine / "membership").write_text("0::/\n")
    write(machine / "groups", memory__max="max\n", memory__current="900\n")
    assert host_memory.memory_total() == 1000
    write(machine / "groups", memory__max="800\n")
    assert host_memory.memory_total() == 800


def test_version_1(machine: Path) -> None:
    (machine / "membership").write_text("5:memory:/x\n4:cpu:/x\n")
    folder = machine / "groups" / "memory"
    write(folder, memory__limit_in_bytes=str(2**63 - 4096), memory__usage_in_bytes="1")
    write(folder / "x", memory__limit_in_bytes="700", memory__usage_in_bytes="630")
    assert (host_memory.memory_total(), host_memory.memory_share()) == (700, pytest.approx(0.9))


def test_this_machine_has_memory() -> None:
    assert host_memory.memory_total() > 2**28 and 0 < host_memory.memory_share() <= 1
