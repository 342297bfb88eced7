from pathlib import Path

from recbole_ext.places import found_datasets


def test_data_sets_are_folders_with_their_file(tmp_path: Path) -> None:
    for name, file in (("a", "a.inter"), ("b", "b.train.inter"), ("c", "other.inter"), ("d", "d.user")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    assert found_datasets(tmp_path) == ["a", "b", "ml-100k"]
    assert found_datasets(tmp_path / "none") == ["ml-100k"]
