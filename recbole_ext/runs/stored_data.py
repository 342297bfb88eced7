"""`data.safetensors` of a run: its data after filters and renumbering, so that a run is opened without the raw files.

The interactions, the features of users and items, graphs and lists of the data set, in internal ids, with times,
ratings and labels as they were read. The splits are made from them again and compared with `data.json`, which has the
file's sha256. The file's header describes the tables (JSON); nothing in it is executed.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from recbole_ext.data.restorable import state_of
from recbole_ext.errors import DataError
from recbole_ext.files import sha256_of, write_atomically
from recbole_ext.runs.compact import Arrays, pack, unpack
from recbole_ext.runs.vocabulary import Vocabulary

FILE = "data.safetensors"
FORMAT = "1"


@dataclass(frozen=True)
class StoredData:
    """A data set before it was split, as compact arrays and their description."""

    description: Any
    arrays: Arrays


def stored_data(dataset: Any) -> StoredData:
    """What a run stores of its data set.

    Args:
        dataset: not yet split.

    Raises:
        UsageError: a data set class of the user's own holds what cannot be stored.
    """
    arrays: Arrays = {}
    return StoredData(pack(state_of(dataset), "data", arrays), arrays)


def write_stored(run: Path, stored: StoredData) -> str:
    """Write the file into a run's directory; returns its sha256.

    Raises:
        ResourceError: the disk refuses.
    """
    content = save(stored.arrays, {"format": FORMAT, "data": json.dumps(stored.description, separators=(",", ":"))})
    write_atomically(run / FILE, content)
    return hashlib.sha256(content).hexdigest()


def read_stored(run: Path, sha256: str, vocabulary: Vocabulary) -> dict[str, Any]:
    """The state of the data set that `write_stored` wrote.

    Args:
        run: a directory that has the file.
        sha256: of the file when it was written.
        vocabulary: of the run.

    Raises:
        DataError: the file is damaged, or of another version.
    """
    path = run / FILE
    try:
        found = sha256_of(path)
    except OSError as error:
        found = f"{error.strerror}"
    if found != sha256:
        raise DataError(
            f"{path} is not what the run stored: it is damaged\nsha256 when it was written: {sha256}, now: {found}\n"
            "restore the file; or delete it, and the run is opened from the raw data (--data_path=DIR)"
        )
    try:
        return _state(path) | _token_maps(vocabulary)
    except (OSError, SafetensorError, ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{path} is of another version ({type(error).__name__}: {str(error)[:100]}); install the version that "
            "environment.json of the run names, or delete the file to open the run from the raw data"
        ) from None


def _state(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="numpy") as file:
        header = file.metadata()
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']!r}; this version reads format {FORMAT}")
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    return dict(unpack(json.loads(header["data"]), arrays))


def _token_maps(vocabulary: Vocabulary) -> dict[str, Any]:
    """RecBole's tables of tokens and ids; fields that share ids share one of each."""
    names = {id(tokens): np.array(tokens) for tokens in vocabulary.values()}
    ids = {key: {name: number for number, name in enumerate(of)} for key, of in names.items()}
    return {
        "field2id_token": {field: names[id(tokens)] for field, tokens in vocabulary.items()},
        "field2token_id": {field: ids[id(tokens)] for field, tokens in vocabulary.items()},
    }
