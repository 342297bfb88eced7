"""`python -m benchmarks.click_state`: what is kept of a user scores as the whole pass over all events does."""

import pytest
import torch
from torch.testing import assert_close

from benchmarks.click_state import SERVERS, fill, whole_pass

CANDIDATES = torch.tensor([3, 0, 9_999])


@pytest.mark.parametrize("name", SERVERS)
@torch.no_grad()
def test_kept_states_score_as_the_whole_pass(name: str) -> None:
    server = SERVERS[name](30)
    events = fill(server, 30)
    now = server.time + 500
    assert_close(server.logits(CANDIDATES, now), whole_pass(server, *events, CANDIDATES, now), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_state_of_mamba_does_not_grow_and_all_others_do() -> None:
    grown = {}
    for name, make in SERVERS.items():
        server = make(40)
        fill(server, 20)
        before = server.n_bytes()
        for k in range(20):
            server.take(k, 1, server.time + k)
        grown[name] = server.n_bytes() - before
    assert grown == {
        "mamba": 0,
        "mamba + attention": 20 * (2 * 64 * 4 + 8),
        "events + attention": 20 * (4 + 1 + 8),
        "transformer": 20 * 2 * 64 * 4,
    }
