from pathlib import Path

import pytest

from dataset_tools.arguments import build_parser
from dataset_tools.errors import UsageError
from dataset_tools.files.dataset_files import interaction_files, whole_file


def test_one_file_or_the_parts_of_a_cut(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    folder.mkdir()
    parts = [folder / f"toy.{part}.inter" for part in ("test", "train", "window_001")]
    for part in parts:
        part.touch()
    assert interaction_files(folder) == [parts[1], parts[0]] and interaction_files(parts[2]) == [parts[2]]
    with pytest.raises(UsageError, match="it is cut into files; name one of them"):
        whole_file(folder)
    (folder / "toy.inter").touch()
    assert interaction_files(folder) == [folder / "toy.inter"] and whole_file(folder) == folder / "toy.inter"


def test_the_working_directory_is_called_as_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "toy"
    (folder / "below").mkdir(parents=True)
    (folder / "toy.inter").touch()
    for place, word in ((folder, "."), (folder / "below", "..")):
        monkeypatch.chdir(place)
        assert interaction_files(Path(word)) == [folder / "toy.inter"]
        assert build_parser().parse_args(["split", word, "--output", "o", "--ratio", ".8"]).input == folder


@pytest.mark.parametrize(("name", "release"), [("ml-1m-cut", "ml-1m"), ("mine", "RELEASE")])
def test_no_data_set(name: str, release: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"no data set there.*\nCreate one: recbole-data convert {release} --input"):
        interaction_files(tmp_path / name)
