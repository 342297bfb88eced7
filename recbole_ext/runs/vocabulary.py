"""`vocabulary.json.gz` of a run: which token is in which row of the embedding tables.

    {"format": 1, "fields": {"user_id": 0, "item_id": 1, "item_id_list": 1}, "tokens": [["[PAD]", ...], ["[PAD]", ...]]}

A field names a list of tokens, whose place in the list is the id; fields that share ids name the same list. The file
is JSON (gzip), UTF-8, written atomically, and nothing in it is executed when it is read.
"""

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError
from recbole_ext.files import write_atomically

FILE = "vocabulary.json.gz"
FORMAT = 1
Vocabulary = dict[str, list[str]]
"""Field -> tokens in the order of their ids, the padding first."""


def vocabulary_of(dataset: Any) -> Vocabulary:
    """The tokens of all token fields of a data set; fields that share ids share one list."""
    lists: dict[int, list[str]] = {}
    return {
        field: lists.setdefault(id(tokens), [str(token) for token in tokens])
        for field, tokens in dataset.field2id_token.items()
    }


def write_vocabulary(run: Path, vocabulary: Mapping[str, list[str]]) -> None:
    """Write the file into a run's directory.

    Raises:
        ResourceError: the disk refuses.
    """
    lists = {id(tokens): tokens for tokens in vocabulary.values()}
    places = {key: place for place, key in enumerate(lists)}
    fields = {field: places[id(tokens)] for field, tokens in vocabulary.items()}
    content = {"format": FORMAT, "fields": fields, "tokens": list(lists.values())}
    text = json.dumps(content, separators=(",", ":")).encode()
    write_atomically(run / FILE, gzip.compress(text, compresslevel=3, mtime=0))


def read_vocabulary(run: Path) -> Vocabulary | None:
    """What `write_vocabulary` wrote; None for a run that left none.

    Raises:
        DataError: the file is damaged or of another format.
    """
    path = run / FILE
    if not os.path.lexists(path):
        return None
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}; this version reads format {FORMAT}")
        lists = [[str(token) for token in tokens] for tokens in content["tokens"]]
        return {str(field): lists[place] for field, place in content["fields"].items()}
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"cannot read {path}: it is damaged or of another version ({type(error).__name__}: {str(error)[:100]}); "
            "run it again"
        ) from None
