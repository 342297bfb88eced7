"""No command writes over what it reads, into a run, or over a file of another program."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from dataset_tools.cli import main as data_main
from dataset_tools.errors import UsageError
from dataset_tools.files.claims import (
    PAGE_MARK,
    begins_with,
    is_page,
    json_with,
    require_free,
    require_place,
    table_ending_with,
)


def never(path: Path) -> bool:
    return False


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path / "runs" / "SS4Rec-shop"
    (run / "checkpoint").mkdir(parents=True)
    (run / "config.yaml").write_text("seed: 1\n")
    return run


def refusal(path: Path, read: tuple[Path | None, ...] = (), is_ours: Callable[[Path], bool] = never) -> str:
    with pytest.raises(UsageError) as caught:
        require_free(path, read, is_ours)
    return str(caught.value)


def test_what_is_read_is_not_written(tmp_path: Path) -> None:
    source = tmp_path / "pairs.tsv"
    source.write_text("user_id\titem_id\n")
    (tmp_path / "link.tsv").symlink_to(source)
    os.link(source, tmp_path / "same.tsv")
    (tmp_path / "folder").mkdir()
    for path in (source, tmp_path / "link.tsv", tmp_path / "same.tsv", tmp_path / "folder" / ".." / "pairs.tsv"):
        with pytest.raises(UsageError, match="the same command reads"):
            require_free(path, (None, source), lambda found: True, overwrite=True)
    require_free(tmp_path / "new.tsv", (None, source), never)


def test_a_run_stays_as_it_is(run: Path) -> None:
    for path in (run / "config.yaml", run / "new.html", run / "checkpoint" / "deep.tsv"):
        with pytest.raises(UsageError, match="SS4Rec-shop is the directory of a run"):
            require_free(path, (), lambda found: True, overwrite=True)
    with pytest.raises(UsageError, match="is the directory of a run"):
        require_place(run, ())
    require_free(run.parent / "beside.html", (), never)


def test_places_that_hold_no_file(tmp_path: Path) -> None:
    assert "this is a folder; name a file in it" in refusal(tmp_path)
    assert "there is no folder" in refusal(tmp_path / "none" / "x.tsv")
    require_free(Path("/dev/null"), (), never)


OURS: dict[str, tuple[Callable[[Path], bool], bytes, bytes]] = {
    "x.html": (is_page, f"<!doctype html>{PAGE_MARK}".encode(), b"<html><body>mine"),
    "x.yaml": (begins_with("# advice"), b"# advice of x\na: 1\n", b"a: 1\n"),
    "x.tsv": (table_ending_with("rank", "score"), b"who\twhat\trank\tscore\na\tb\t1\t.5\n", b"who\twhat\na\tb\n"),
    "x.csv": (table_ending_with("rank", "score"), b"who,what,rank,score\n", b"rank,score,who\n"),
    "x.jsonl": (table_ending_with("score"), b'{"who":"a","score":1}\n{', b'{"score":1,"who":"a"}\n'),
    "x.json": (json_with("rows"), b'[{"name": "a", "rows": 3}]', b'{"name": "a"}'),
    "y.json": (json_with("rows"), b'{"rows": 3}', b'{"rows": '),
    "z.tsv": (table_ending_with("score"), b"", b"\xff\xfe\x00not text"),
}


@pytest.mark.parametrize("name", OURS)
def test_a_file_of_another_program_is_kept(name: str, tmp_path: Path) -> None:
    is_ours, ours, theirs = OURS[name]
    path = tmp_path / name
    path.write_bytes(ours)
    require_free(path, (), is_ours)
    path.write_bytes(theirs)
    assert "add --overwrite to replace it" in refusal(path, is_ours=is_ours)
    require_free(path, (), is_ours, overwrite=True)


def test_parquet_is_known_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"who": ["a"], "rank": [1], "score": [0.5]}).write_parquet(path)
    require_free(path, (), table_ending_with("rank", "score"))
    assert "--overwrite" in refusal(path, is_ours=table_ending_with("probability"))
    path.write_bytes(b"PAR1")
    assert "--overwrite" in refusal(path, is_ours=table_ending_with("rank", "score"))
    pl.DataFrame({"rank": [1], "score": [0.5]}).write_parquet(tmp_path / "x1.parquet")
    pl.DataFrame({"mine": [1]}).write_parquet(tmp_path / "x[1].parquet")
    assert "--overwrite" in refusal(tmp_path / "x[1].parquet", is_ours=table_ending_with("rank", "score"))


def a_data_set(folder: Path) -> Path:
    folder.mkdir(parents=True)
    rows = "".join(f"u{n % 3}\ti{n % 4}\t{100 + n}\n" for n in range(40))
    file = folder / f"{folder.name}.inter"
    file.write_text(f"user_id:token\titem_id:token\ttimestamp:float\n{rows}")
    (folder / "split.json").write_text(json.dumps({}))  # so that --overwrite may replace the folder
    return file


@pytest.mark.parametrize("words", ["split {folder} --ratio 0.8", "split {file} --ratio 0.8", "times {folder}"])
def test_a_data_set_is_not_replaced_by_what_is_made_of_it(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = a_data_set(tmp_path / "dataset" / "shop")
    before = file.read_bytes()
    given = words.format(folder=file.parent, file=file).split()
    assert data_main([*given, f"--output={tmp_path / 'dataset'}", "--name=shop", "--overwrite"]) == 2
    assert "the same command reads" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_page_does_not_replace_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_data_set(tmp_path / "shop")
    for option in ("--html", "--json"):
        assert data_main(["describe", str(file), option, str(file), "--overwrite"]) == 2
        assert f"{option}={file}: the same command reads" in capsys.readouterr().err
    assert (
        data_main(["describe", str(file), "--json", str(tmp_path / "n.json"), "--html", str(tmp_path / "p.html")]) == 0
    )
    assert (
        data_main(["describe", str(file), "--json", str(tmp_path / "n.json"), "--html", str(tmp_path / "p.html")]) == 0
    )
