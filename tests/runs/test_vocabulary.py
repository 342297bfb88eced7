import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recbole_ext.errors import DataError
from recbole_ext.runs.vocabulary import FILE, read_vocabulary, vocabulary_of, write_vocabulary

TOKENS = ["[PAD]", "7", "7.0", "naïve \N{SNOWMAN}", 'a "quoted", one', "b\u2028c", ""]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    items = np.array(TOKENS)
    dataset = SimpleNamespace(
        field2id_token={"user_id": np.array(["[PAD]", "u"]), "item_id": items, "item_id_list": items}
    )
    write_vocabulary(tmp_path, vocabulary_of(dataset))
    found = read_vocabulary(tmp_path)
    assert found == {"user_id": ["[PAD]", "u"], "item_id": TOKENS, "item_id_list": TOKENS}
    assert len(json.loads(gzip.decompress((tmp_path / FILE).read_bytes()))["tokens"]) == 2  # shared ids stand once


def test_the_same_vocabulary_has_the_same_bytes(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_vocabulary(folder, {"user_id": ["[PAD]", "u"]})
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


def test_a_run_without_one_and_a_damaged_one(tmp_path: Path) -> None:
    assert read_vocabulary(tmp_path) is None
    write_vocabulary(tmp_path, {"user_id": TOKENS})
    whole = (tmp_path / FILE).read_bytes()
    other = gzip.compress(json.dumps({"format": 2, "fields": {}, "tokens": []}).encode())
    for content in (b"", whole[:-9], b"[]", gzip.compress(b"[]"), other):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(DataError, match="is damaged or of another version"):
            read_vocabulary(tmp_path)
