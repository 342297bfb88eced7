import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from recbole_ext.devices import Placement, from_leader, is_lost_process, place, process_group
from recbole_ext.errors import ResourceError, UsageError

CPU = torch.device("cpu")


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, as far as anybody asks."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a CPU alone."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_auto_is_the_cpu() -> None:
    assert place({"device": "auto"}) == place({"device": "cpu"}) == place({}) == Placement(CPU, 0, 0, 1)


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("values", "device"),
    [
        ({"gpu_id": "0"}, "cuda:0"),
        ({"gpu_id": "0", "device": None}, "cuda:0"),
        ({"gpu_id": "1"}, "cuda:1"),
        ({"gpu_id": 1}, "cuda:1"),
        ({"gpu_id": 0}, "cuda:0"),
        ({"gpu_id": "1,0"}, "cuda:1"),
        ({"gpu_id": ""}, "cpu"),
        ({"gpu_id": None}, "cpu"),
        ({"use_gpu": False}, "cpu"),
        ({"device": "cpu"}, "cpu"),
        ({"device": "cuda:1", "use_gpu": False}, "cuda:1"),
        ({"device": "cuda"}, "cuda"),
    ],
    ids=str,
)
def test_with_gpus(values: dict[str, object], device: str) -> None:
    assert place(values).device == torch.device(device)


def test_mps_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert place({"gpu_id": "0"}).device == torch.device("mps")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_here(device: str) -> None:
    with pytest.raises(
        ResourceError, match=f"device {device} is not available here; use --device=cpu, or see: recbole-ext doctor"
    ):
        place({"device": device})


@pytest.mark.usefixtures("gpus")
def test_one_gpu_too_many() -> None:
    with pytest.raises(ResourceError, match="device cuda:2 is not available here"):
        place({"device": "cuda:2"})


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    "values",
    [{"device": "gpu"}, {"device": "cuda:x"}, {"device": "0"}, {"gpu_id": "x"}, {"device": "xla"}, {"device": "meta"}],
)
def test_what_is_no_device(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"device must be auto, cpu, cuda, cuda:N or mps \(got '"):
        place(values)


@pytest.mark.usefixtures("gpus")
def test_the_place_that_torchrun_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "5"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "8")):
        monkeypatch.setenv(name, value)
    found = place({"gpu_id": "0"})
    assert found == Placement(torch.device("cuda:1"), 5, 1, 8)
    assert not found.leads and Placement(CPU, 0, 0, 8).leads


def test_a_single_process_joins_nothing() -> None:
    with process_group(Placement(CPU)):
        assert not dist.is_initialized()
    value = object()
    assert from_leader(value, Placement(CPU)) is value


def _meet(rank: int, folder: str) -> None:
    import os

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ["MASTER_PORT"] = Path(folder, "port").read_text()
    from recbole_ext.training.optimization.optimizer import average_gradients

    torch.manual_seed(0)
    model = torch.nn.ModuleDict(
        {"used": torch.nn.Linear(2, 2), "unused": torch.nn.Linear(1, 1), "once": torch.nn.Linear(1, 1)}
    )
    placement = place({"device": "cpu"})
    with process_group(placement):
        assert dist.get_backend() == "gloo"
        model["used"](torch.full((1, 2), float(rank + 1))).sum().backward()
        if rank == 1:
            model["once"](torch.ones(1, 1)).sum().backward()
        average_gradients(model, 2)
        said = from_leader({"rank": rank}, placement)
    torch.save(
        {"grads": [p.grad for p in model.parameters()], "said": said, "open": dist.is_initialized()},
        f"{folder}/{rank}.pt",
    )


@pytest.mark.slow
def test_two_processes_average_their_gradients_and_hear_the_leader(tmp_path: Path) -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        (tmp_path / "port").write_text(str(probe.getsockname()[1]))
    import subprocess

    code = "import sys; sys.path.insert(0, '.'); "
    code += "from tests.test_devices import _meet; _meet(int(sys.argv[1]), sys.argv[2])"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(rank), str(tmp_path)], cwd=Path(__file__).parents[1])
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert [f["said"] for f in found] == [{"rank": 0}, {"rank": 0}]
    assert [f["open"] for f in found] == [False, False]
    expected = [
        torch.full((2, 2), 1.5),
        torch.ones(2),
        torch.zeros(1, 1),
        torch.zeros(1),
        torch.full((1, 1), 0.5),
        torch.full((1,), 0.5),
    ]
    for f in found:
        assert all(torch.allclose(gradient, wanted) for gradient, wanted in zip(f["grads"], expected, strict=True))


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("[gloo/transport/tcp/pair.cc:537] Read error: Connection reset by peer."), True),
        (RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:29826"), True),
        (torch.distributed.DistNetworkError("The client socket has timed out"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (RuntimeError("Connection reset by peer"), False),
    ],
)
def test_a_process_that_is_gone(error: RuntimeError, lost: bool) -> None:
    assert is_lost_process(error) == lost
