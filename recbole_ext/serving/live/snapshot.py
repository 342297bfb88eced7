"""Snapshots of an engine: one safetensors file, replaced atomically, with the hashes of the weights and the vocabulary.

state.safetensors    arrays, among them the facts as JSON; the header has the format and the fingerprint

A header has at most 100 MB, which the ids of a few million new users exceed.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.files import write_atomically
from recbole_ext.serving.load import LoadedRun

FILE = "state.safetensors"
FORMAT = "2"
_FACTS = "facts"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Fingerprint:
    """What a state depends on.

    Attributes:
        weights: sha256 of the model's weights.
        vocabulary: sha256 of the tokens of users and items.
        n_items: of the catalogue.
    """

    weights: str
    vocabulary: str
    n_items: int

    @staticmethod
    def of(run: LoadedRun) -> "Fingerprint":
        """Of an opened run."""
        weights, vocabulary = hashlib.sha256(), hashlib.sha256()
        for name, tensor in sorted(run.model.state_dict().items()):
            weights.update(f"{name} {tuple(tensor.shape)} ".encode())
            weights.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
        for field in (run.train.uid_field, run.train.iid_field):
            vocabulary.update(json.dumps([str(token) for token in run.train.field2id_token[field]]).encode())
        return Fingerprint(weights.hexdigest(), vocabulary.hexdigest(), run.train.item_num - 1)


@dataclass(frozen=True)
class Snapshot:
    """What is kept: a fingerprint, facts that JSON can hold, and arrays."""

    fingerprint: Fingerprint
    facts: dict[str, Any]
    arrays: dict[str, Array]


def write_snapshot(directory: Path, snapshot: Snapshot) -> None:
    """Write the file, in place of an older one.

    Raises:
        ResourceError: the disk refuses; the older file is untouched.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"cannot make {directory}: {error.strerror}") from None
    header = {"format": FORMAT, "fingerprint": json.dumps(asdict(snapshot.fingerprint))}
    facts = np.frombuffer(json.dumps(snapshot.facts, separators=(",", ":")).encode(), dtype=np.uint8)
    write_atomically(directory / FILE, save({**snapshot.arrays, _FACTS: facts}, header), private=True)


def read_snapshot(directory: Path, expected: Fingerprint) -> Snapshot | None:
    """Read the file; None where there is none.

    Raises:
        UsageError: it is damaged, of another format, or of other weights or another vocabulary than expected.
    """
    path = directory / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as file:
            header = file.metadata() or {}
            found = _fingerprint(header, path)
            _compare(path, found, expected)
            arrays = {name: file.get_tensor(name) for name in file.keys()}
        return Snapshot(found, json.loads(arrays.pop(_FACTS).tobytes()), arrays)
    except (OSError, SafetensorError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{path} is damaged ({type(error).__name__}: {str(error)[:100]}); remove it, and send the events again"
        ) from None


def _fingerprint(header: dict[str, str], path: Path) -> Fingerprint:
    if header.get("format") != FORMAT:
        raise UsageError(f"{path} has format {header.get('format')!r}; this version reads format {FORMAT}")
    return Fingerprint(**json.loads(header["fingerprint"]))


def _compare(path: Path, found: Fingerprint, expected: Fingerprint) -> None:
    if found == expected:
        return
    more = expected.n_items - found.n_items
    catalogue = f"; the catalogue has {abs(more):,} items {'more' if more > 0 else 'fewer'} now" if more else ""
    if found.weights != expected.weights:
        raise UsageError(
            f"{path} holds states of other weights (sha256 {found.weights[:12]}, this run has "
            f"{expected.weights[:12]}){catalogue}\nuse the run that wrote it, or start from an empty folder"
        )
    raise UsageError(
        f"{path} is of another vocabulary (sha256 {found.vocabulary[:12]}, this run has {expected.vocabulary[:12]})"
        f"{catalogue}\nuse the run that wrote it, or start from an empty folder"
    )
