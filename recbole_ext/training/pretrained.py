"""The best weights of finished runs, in the file that RecBole's models read when they start from them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from recbole_ext.config.keys.pretrained import pretrained_keys
from recbole_ext.runs.checkpoint import load_weights


@contextmanager
def pretrained_files(config: Any) -> Iterator[Any]:
    """The configuration, with a file of tensors in place of each run directory whose weights the model starts from.

    Raises:
        UsageError: a directory has no readable checkpoint.
    """
    given = {key: Path(str(config[key])) for key in pretrained_keys(config.entry.registered, config)}
    runs = {key: path for key, path in given.items() if path.is_dir()}
    if not runs:
        yield config
        return
    with tempfile.TemporaryDirectory() as folder:
        files = {key: str(Path(folder) / f"{key}.pth") for key in runs}
        for key, run in runs.items():
            torch.save({"state_dict": load_weights(run / "checkpoint", "best")}, files[key])
        yield config.with_values(files)
