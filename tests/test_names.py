from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.names import checked_name, inside, is_name, named_folder
from recbole_ext.runs.run_directory import RunDirectory


@pytest.mark.parametrize("name", ["ml-100k", "SS4Rec", "2024", "a.b", "_x", "-x", "x" * 64])
def test_names(name: str) -> None:
    assert is_name(name) and checked_name("--dataset", name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("../made", "..", ".", ".hidden", "/etc/passwd", "a/b", "a\\b", "a\nb", "made\n", "a\0b", "a b", "~", "$HOME"),
        *("a;b", "%2e%2e%2f", "m\u0430de", "\u2024\u2024", "\uff0e\uff0e", "a\u202eb", "caf\u00e9", "x" * 65, "", 7),
        None,
    ],
    ids=ascii,
)
def test_what_is_no_name(name: Any) -> None:
    with pytest.raises(UsageError, match=r"--dataset must be 1 to 64 letters, digits, '\.', '_' or '-'"):
        checked_name("--dataset", name)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "..", ".", "", "a/b", "\0", "link", {}, ["a"], 7, None])
def test_files_that_lie_outside(name: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").touch()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    with pytest.raises(UsageError, match="lies outside this folder; it is not opened"):
        inside(tmp_path / "in", name)
    assert inside(tmp_path / "in", "new") == tmp_path / "in" / "new"


@pytest.mark.parametrize("link", ["checkpoint", "log.txt", "metrics.csv", "events.jsonl", "checkpoint/last.json"])
def test_a_run_with_links_is_refused(link: str, tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    (run / "checkpoint").mkdir(parents=True)
    outside.mkdir()
    if link == "checkpoint":
        (run / "checkpoint").rmdir()
    (run / link).symlink_to(outside)
    with pytest.raises(UsageError, match="is a link; a run's own files are needed"):
        RunDirectory(run)
    assert list(outside.iterdir()) == []


def test_a_folder_is_named_by_its_path_or_by_its_name_in_the_default_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("kept/a", "kept/b", "b"):
        Path(name).mkdir(parents=True)
        (Path(name) / "mark").touch()
    Path("kept/empty").mkdir()
    assert [named_folder(text, "kept", "mark").name for text in (".", "b/..", "b/.")] == [tmp_path.name] * 2 + ["b"]
    found = [str(named_folder(name, "kept", "mark")) for name in ("a", "b", "kept/a", "empty", "none")]
    assert found == ["kept/a", "b", "kept/a", "empty", "none"]
