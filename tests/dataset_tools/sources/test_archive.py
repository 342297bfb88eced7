import gzip
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import DataError, UsageError
from dataset_tools.sources import archive

Converted = Callable[..., tuple[Path, dict[str, Any]]]
LOG = "1::1193::5::978300760\n"


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return path


@pytest.mark.parametrize(
    "name",
    ["../ratings.dat", "ml-1m/../../ratings.dat", "/etc/ratings.dat", "..\\ratings.dat", "C:/ratings.dat"],
)
def test_a_path_that_leaves_the_folder_is_refused(name: str, tmp_path: Path, converted: Converted) -> None:
    path = zipped(tmp_path / "x.zip", {"ml-1m/ratings.dat": LOG, name: LOG})
    before = sorted(file for file in tmp_path.rglob("*") if "out" not in file.parts)
    with pytest.raises(DataError, match=r"unsafe member .* outside the archive's folder"):
        converted("ml-1m", path)
    assert sorted(file for file in tmp_path.rglob("*") if "out" not in file.parts) == before
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_is_refused(tmp_path: Path, converted: Converted) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        link = zipfile.ZipInfo("ml-1m/ratings.dat")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"unsafe member .* \(link\)"):
        converted("ml-1m", path)


@pytest.mark.slow
def test_a_bomb_is_not_inflated(tmp_path: Path, converted: Converted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE_BYTES", 1 << 20)
    path = zipped(tmp_path / "x.zip", {"ml-1m/ratings.dat": b"0" * (64 << 20)})
    with pytest.raises(DataError, match="unpacks to more than"):
        converted("ml-1m", path)
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"0" * (64 << 20)))
    with pytest.raises(DataError, match="unpacks to more than"):
        converted("ml-1m", tmp_path / "x.gz")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path, converted: Converted) -> None:
    path = zipped(tmp_path / "x.zip", {"a/ratings.dat": LOG, "b/ratings.dat": LOG})
    with pytest.raises(DataError, match=r"ratings\.dat is in it more than once"):
        converted("ml-1m", path)


def test_unexpected_members_stay_packed(tmp_path: Path) -> None:
    from dataset_tools.sources import RELEASES

    path = zipped(tmp_path / "x.zip", {"a/ratings.dat": LOG, "a/evil.sh": "x", "a/": ""})
    found = archive.unpack_zip(path, RELEASES["ml-1m"], ["ratings.dat", "users.dat"], tmp_path)
    assert found == {"ratings.dat": tmp_path / "ratings.dat"} and not (tmp_path / "evil.sh").exists()


@pytest.mark.parametrize("cut", [10, 100])
def test_truncated_archives_are_data_errors(cut: int, tmp_path: Path, converted: Converted) -> None:
    path = zipped(tmp_path / "x.zip", {"a/ratings.dat": "".join(f"{n}" for n in range(9999))})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match="not a complete zip file"):
        converted("ml-1m", path)
    (tmp_path / "x.gz").write_bytes(gzip.compress(LOG.encode() * 99)[: -cut // 5])
    with pytest.raises(DataError, match="not a complete gz file"):
        converted("ml-1m", tmp_path / "x.gz")


def test_a_damaged_member_is_a_data_error(tmp_path: Path, converted: Converted) -> None:
    path = zipped(tmp_path / "x.zip", {"a/ratings.dat": "".join(f"{n}" for n in range(9999))})
    data = bytearray(path.read_bytes())
    data[2000] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match="not a complete zip file"):
        converted("ml-1m", path)


def test_absent_input_says_what_is_expected(tmp_path: Path, converted: Converted) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        converted("ml-1m", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"ratings.dat \(or ratings.dat.gz\) of ml-1m is not in it"):
        converted("ml-1m", tmp_path / "empty")


def unpacked(folder: Path, **ratings: str) -> Path:
    """A folder of releases: name (`_` for `-`) -> user of its only row; each has a table of items too."""
    for name, user in ratings.items():
        room = folder / name.replace("_", "-")
        room.mkdir(parents=True)
        (room / "ratings.dat").write_text(f"{user}::1193::5::978300760\n")
        (room / "movies.dat").write_text(f"1193::Film of {user} (1975)::Drama\n")
    return folder


@pytest.mark.parametrize(
    ("release", "user", "folders"),
    [
        ("ml-1m", "7", {"a": "1", "ml_10M100K": "2", "ml_1m": "7"}),
        ("ml-10m", "7", {"ml_10M100K": "7", "ml_1m": "1"}),
        ("ml-1m", "7", {"mine": "7", "ml_10m": "1"}),
    ],
)
def test_of_several_unpacked_releases_the_one_that_is_named_is_read(
    release: str, user: str, folders: dict[str, str], tmp_path: Path, converted: Converted
) -> None:
    folder, _ = converted(release, unpacked(tmp_path / "in", **folders))
    assert (folder / f"{folder.name}.inter").read_text().splitlines()[1].startswith(f"{user}\t")
    assert f"Film of {user}" in (folder / f"{folder.name}.item").read_text()


def test_which_of_several_folders_is_meant_is_asked(tmp_path: Path, converted: Converted) -> None:
    folder = unpacked(tmp_path / "in", a="1", b="2")
    with pytest.raises(UsageError, match=r"a, b could each be ml-1m.\n.*--input .*/in/a"):
        converted("ml-1m", folder)
    with pytest.raises(UsageError, match=r"u.data .*of ml-100k is not in it.\na/ratings.dat is there"):
        converted("ml-100k", folder)
    (folder / "ratings.dat").write_text("3::1193::5::978300760\n")
    assert "3\t" in next(converted("ml-1m", folder)[0].glob("*.inter")).read_text()
