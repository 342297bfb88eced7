"""Files of a data set that RecBole would unpickle: they are read as plain arrays first, or not at all."""

from pathlib import Path

import numpy as np

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError

ITEM_EMBEDDINGS = "item_emb.npy"


def refuse_pickles(config: Config) -> None:
    """RecBole's LDiffRec loads its item embeddings with `allow_pickle=True`, which can run code.

    Raises:
        DataError: the file is no plain array.
    """
    path = Path(config["data_path"]) / ITEM_EMBEDDINGS
    if config.model != "LDiffRec" or not path.is_file():
        return
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is no plain array and is not loaded: {error}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise DataError(f"{path} must hold one array of floats; write it with numpy.save")
