"""What it costs to keep a user's history for a click model: time of one new event with scores, and bytes per user.

    python -m benchmarks.click_state [--lengths 200,1000,5000,20000] [--candidates 1,100]

Four ways to serve the sequential branch of MDAFMamba and MDAFBST (one block, the sizes of the models' settings,
random weights, one user):

    mamba              Mamba's state, and the last output: target_attention False
    mamba + attention  the same with the keys and values that target attention reads, of each event
    events + attention numbers, behaviors and times of all events: encoder none, read from scratch for each request
    transformer        keys and values of the encoder, of each event: target_attention False

Times are the smallest over the repetitions, one thread, and hold the new event and the scores of all candidates.
Bytes are those of float32 vectors, int32 items, int8 behaviors and int64 times.
"""

import argparse
import time
from abc import ABC, abstractmethod
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.command import execute, numbers
from benchmarks.machine import describe
from recbole_ext.model.click.history_encoder import MambaBlock, TransformerBlock
from recbole_ext.model.click.target_attention import TargetAttention
from recbole_ext.model.layers.gap_bucket import gap_bucket
from recbole_ext.model.mdaf import SequentialBranch, Settings
from recbole_ext.ssm.mamba import MambaState

SIZES: dict[str, Any] = {
    "embedding_size": 16, "hidden_size": 64, "num_layers": 1, "d_state": 16, "d_conv": 4, "expand": 2,
    "ssm_variant": "mamba1", "ssm_backend": "auto", "attention_heads": 4, "dropout_prob": 0.2, "feed_forward": False,
}  # fmt: skip
N_ITEMS, ITEM_FIELDS, BEHAVIOURS = 10_000, 3, 5


class Server(ABC):
    """One user of a click model: events come one by one, and candidates are scored after any of them.

    Args:
        encoder: of the histories.
        target_attention: whether candidates read the events.
        longest: most events.
    """

    def __init__(self, encoder: str, target_attention: bool, longest: int) -> None:
        torch.manual_seed(0)
        sizes = SIZES | {"encoder": encoder, "MAX_ITEM_LIST_LENGTH": longest}
        width = ITEM_FIELDS * sizes["embedding_size"]
        settings = Settings(["sequential"], target_attention, False, False, False, 0.0, 0.0, 0.0)
        fields: Any = SimpleNamespace(item_width=width)
        self.branch = SequentialBranch(sizes, settings, fields, BEHAVIOURS).eval()
        self.vectors = torch.randn(N_ITEMS, width)
        self.time, self.n = 0, 0

    @abstractmethod
    def take(self, item: int, behaviour: int, seconds: int) -> None:
        """The user's next event."""

    @abstractmethod
    def logits(self, items: Tensor, seconds: int) -> Tensor:
        """Candidates (C,) int64 at a time -> (C,)."""

    @abstractmethod
    def n_bytes(self) -> int:
        """What is kept of the user."""


class StateServer(Server):
    """Keeps what the encoder needs for the next event, and the last output.

    Args: as of `Server`.
    """

    def __init__(self, encoder: str, target_attention: bool, longest: int) -> None:
        super().__init__(encoder, target_attention, longest)
        self.last = torch.zeros(1, SIZES["hidden_size"])

    def take(self, item: int, behaviour: int, seconds: int) -> None:
        """Encode the event alone."""
        gap = torch.tensor([seconds - self.time if self.n else 0])
        x = self.branch.encoder.embedded(self.vectors[item].unsqueeze(0), torch.tensor([behaviour]), gap)
        self.advance(x, seconds)
        self.time, self.n = seconds, self.n + 1

    def logits(self, items: Tensor, seconds: int) -> Tensor:
        """Candidates (C,) int64 at a time -> (C,)."""
        target = self.branch.target(self.vectors[items])
        parts = self.read(target, seconds)
        return self.branch.logit(self.branch.mix(torch.cat(parts, dim=1))).squeeze(1)

    @abstractmethod
    def advance(self, x: Tensor, seconds: int) -> None:
        """Keep an event (1, H)."""

    def read(self, target: Tensor, seconds: int) -> list[Tensor]:
        """Candidates (C, H) -> what the branch mixes, (C, H) each; without target attention."""
        last = self.last.expand(len(target), -1)
        return [target, last, last * target]


class MambaServer(StateServer):
    """Keeps the state of Mamba, and with target attention a key and a value per event."""

    def __init__(self, target_attention: bool, longest: int) -> None:
        super().__init__("mamba", target_attention, longest)
        self.states: list[MambaState | None] = [None] * len(self.branch.encoder.blocks)
        kept = longest if target_attention else 0
        self.key, self.value = torch.zeros(2, kept, SIZES["hidden_size"])
        self.times = torch.zeros(kept, dtype=torch.int64)

    def advance(self, x: Tensor, seconds: int) -> None:
        """One recurrent step."""
        for k, block in enumerate(self.branch.encoder.blocks):
            assert isinstance(block, MambaBlock)
            x, self.states[k] = block.step(x, self.states[k])
        self.last = x
        if self.branch.read is not None:
            self.key[self.n], self.value[self.n] = self.branch.read.key(x)[0], self.branch.read.value(x)[0]
            self.times[self.n] = seconds

    def read(self, target: Tensor, seconds: int) -> list[Tensor]:
        """The last state, or what attention reads of all."""
        if self.branch.read is None:
            return super().read(target, seconds)
        key, value, times = self.key[: self.n], self.value[: self.n], self.times[: self.n]
        readout = attended(self.branch.read, target, key, value, times, seconds)
        return [target, self.last.expand(len(target), -1), readout, readout * target]

    def n_bytes(self) -> int:
        """States, the last output and its time, and the events' keys, values and times."""
        states = sum(part.nbytes for state in self.states if state for part in state)
        per_event = 2 * self.key.element_size() * self.key.shape[1] + self.times.element_size()
        return states + self.last.nbytes + 8 + per_event * self.n * (self.branch.read is not None)


class EventServer(Server):
    """Keeps the events, and encodes and reads all of them for each request."""

    def __init__(self, longest: int) -> None:
        super().__init__("none", True, longest)
        self.items = torch.zeros(longest, dtype=torch.int32)
        self.behaviours = torch.zeros(longest, dtype=torch.int8)
        self.times = torch.zeros(longest, dtype=torch.int64)

    def take(self, item: int, behaviour: int, seconds: int) -> None:
        """Store the event."""
        self.items[self.n], self.behaviours[self.n], self.times[self.n] = item, behaviour, seconds
        self.time, self.n = seconds, self.n + 1

    def logits(self, items: Tensor, seconds: int) -> Tensor:
        """One pass of the branch over all events."""
        events = (self.items[: self.n].long(), self.behaviours[: self.n].long(), self.times[: self.n])
        return whole_pass(self, *events, items, seconds)

    def n_bytes(self) -> int:
        """Items, behaviors and times."""
        return self.n * sum(column.element_size() for column in (self.items, self.behaviours, self.times))


class TransformerServer(StateServer):
    """Keeps the keys and values of one transformer block."""

    def __init__(self, longest: int) -> None:
        super().__init__("transformer", False, longest)
        (block,) = self.branch.encoder.blocks
        assert isinstance(block, TransformerBlock)
        self.block = block
        self.key, self.value = torch.zeros(2, block.heads, longest, SIZES["hidden_size"] // block.heads)

    def advance(self, x: Tensor, seconds: int) -> None:
        """The new event attends to itself and all before it."""
        query, key, value = (part[0] for part in self.block.parts(x.view(1, 1, -1), self.n))
        self.key[:, self.n], self.value[:, self.n] = key[:, 0], value[:, 0]
        kept = slice(self.n + 1)
        mixed = F.scaled_dot_product_attention(query, self.key[:, kept], self.value[:, kept])
        x = self.block.norm(self.block.out(mixed.reshape(1, -1)) + x)
        self.last = self.block.last_norm(self.block.feed_forward(x) + x)

    def n_bytes(self) -> int:
        """Keys and values, the last output and its time."""
        return 2 * self.n * self.last.nbytes + self.last.nbytes + 8


def attended(layer: TargetAttention, target: Tensor, key: Tensor, value: Tensor, times: Tensor, now: int) -> Tensor:
    """`TargetAttention` over kept keys and values: (C, H), (n, H), (n, H), (n,) -> (C, H)."""
    heads, width = layer.heads, target.shape[1] // layer.heads
    query = layer.query(target).view(-1, heads, width).transpose(0, 1) / width**0.5
    key, value = (x.view(-1, heads, width).transpose(0, 1) for x in (key, value))
    none = layer.nothing.view(2, heads, width)
    age = layer.age(gap_bucket(now - times)).t().unsqueeze(1)  # (heads, 1, n)
    scores = torch.cat([query @ key.transpose(1, 2) + age, query @ none[0].unsqueeze(2)], dim=2)
    weights = scores.softmax(-1)
    read = weights[..., :-1] @ value + weights[..., -1:] * none[1].unsqueeze(1)
    return read.transpose(0, 1).flatten(1)


def whole_pass(
    server: Server, items: Tensor, behaviours: Tensor, times: Tensor, candidates: Tensor, seconds: int
) -> Tensor:
    """The branch over a whole history, as in training: events (n,), candidates (C,) -> logits (C,)."""
    n = len(candidates)
    rows = {
        "history_time": times.unsqueeze(0),
        "history_behaviour": behaviours.unsqueeze(0),
        "history": torch.zeros(n, dtype=torch.int64),
        "slot": torch.arange(n),
        "visible": torch.full((n,), len(times)),
        "time": torch.full((n,), seconds),
    }
    fields = torch.zeros(n, 1, SIZES["embedding_size"])
    return server.branch(server.vectors[items].unsqueeze(0), rows, server.vectors[candidates], fields)[1]


SERVERS: dict[str, Any] = {
    "mamba": lambda longest: MambaServer(False, longest),
    "mamba + attention": lambda longest: MambaServer(True, longest),
    "events + attention": EventServer,
    "transformer": TransformerServer,
}


def fill(server: Server, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Give a server random events; items, behaviors and times (length,) of them."""
    generator = torch.Generator().manual_seed(1)
    items = torch.randint(N_ITEMS, (length,), generator=generator)
    behaviours = torch.randint(1, BEHAVIOURS + 1, (length,), generator=generator)
    times = torch.randint(0, 100_000, (length,), generator=generator).cumsum(0)
    for event in zip(items.tolist(), behaviours.tolist(), times.tolist(), strict=True):
        server.take(*event)
    return items, behaviours, times


def seconds_of(server: Server, n_candidates: int, repetitions: int) -> float:
    """The smallest time of a new event and the scores of candidates."""
    candidates, smallest = torch.arange(n_candidates), float("inf")
    for _ in range(repetitions):
        started = time.perf_counter()
        server.take(7, 1, server.time + 60)
        server.logits(candidates, server.time + 60)
        smallest = min(smallest, time.perf_counter() - started)
    return smallest


@torch.no_grad()
def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=numbers, default="200,1000,5000,20000")
    parser.add_argument("--candidates", type=numbers, default="1,100")
    parser.add_argument("--repetitions", type=int, default=50)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    counts = arguments.candidates
    print(describe())
    print(f"{'':20}{'events':>8}{'bytes':>12}" + "".join(f"{f'ms, {count}':>10}" for count in counts))
    for name, make in SERVERS.items():
        for length in arguments.lengths:
            server = make(length + len(counts) * arguments.repetitions)
            fill(server, length)
            kept = server.n_bytes()
            found = [1000 * seconds_of(server, count, arguments.repetitions) for count in counts]
            print(f"{name:20}{length:8,}{kept:12,}" + "".join(f"{ms:10.2f}" for ms in found), flush=True)


if __name__ == "__main__":
    execute(main)
