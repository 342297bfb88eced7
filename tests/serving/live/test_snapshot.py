"""The file of a snapshot."""

from pathlib import Path

import numpy as np

from recbole_ext.serving.live.snapshot import FILE, Fingerprint, Snapshot, read_snapshot, write_snapshot

OF = Fingerprint("a" * 64, "b" * 64, 5)


def test_the_header_does_not_grow_with_the_users(tmp_path: Path) -> None:
    facts = {"users": [f"üser-{k}" for k in range(10_000)]}
    write_snapshot(tmp_path, Snapshot(OF, facts, {"users.count": np.arange(3)}))
    assert int.from_bytes((tmp_path / FILE).read_bytes()[:8], "little") < 1000  # safetensors refuses 100 MB
    found = read_snapshot(tmp_path, OF)
    assert found is not None and found.facts == facts
    assert list(found.arrays) == ["users.count"] and found.arrays["users.count"].tolist() == [0, 1, 2]
