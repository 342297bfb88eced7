"""Find a release's raw files in a folder, a zip, a gz or a single file; unpack expected names only."""

import gzip
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from dataset_tools.errors import DataError, UsageError
from dataset_tools.sources import RELEASES
from dataset_tools.sources.release import Release

_BLOCK = 1 << 20
MAX_RATIO = 100  # text logs shrink 3 to 10 times; more than this is a zip bomb
FREE_BYTES = 10 << 20  # below this size the ratio does not matter


def find_inputs(path: Path, release: Release, names: list[str], work: Path) -> dict[str, Path]:
    """Names of raw files to readable files; archives are unpacked to `work`; absent names are left out.

    Raises:
        UsageError: `path` does not exist, holds no log of this release, or holds several.
        DataError: an archive is broken, unsafe or far larger than its release.
    """
    if not path.exists():
        raise UsageError(
            f"--input {path}: no such file or folder.\n"
            f"Expected the zip, its folder or {release.log.file}; --download fetches MovieLens releases."
        )
    found = _in_folder(path, release, names) if path.is_dir() else _in_file(path, release, names, work)
    if release.log.file not in found:
        raise UsageError(
            f"--input {path}: {release.log.file} (or {release.log.file}.gz) of {release.name} is not in it.\n"
            f"{_fitting(path)}Name the release that fits the file, or the right file."
        )
    return {name: _plain(file, release, work) for name, file in found.items()}


def _fitting(path: Path) -> str:
    """Which releases have the log that is in a folder instead, for an error message."""
    logs = sorted({release.log.file for release in RELEASES.values()})
    places = [*_files(path, logs).values(), *(room / name for name in logs for room in _rooms(path, name))]
    if not places:
        return ""
    name = places[0].name.removesuffix(".gz")
    owners = [release.name for release in RELEASES.values() if release.log.file == name]
    return f"{places[0].relative_to(path)} is there, which belongs to {' or '.join(owners)}.\n"


def _in_folder(folder: Path, release: Release, names: list[str]) -> dict[str, Path]:
    """Files directly in the folder; those that are not, in the sub-folder of the release (as the zip unpacks)."""
    found = _files(folder, names)
    others = {one.name for one in RELEASES.values()} - {release.name}
    rooms = [room for room in _rooms(folder, *names) if room.name.lower() not in others]
    own = [room for room in rooms if room.name.lower() == release.name] or rooms
    if len(own) > 1 and release.log.file not in found:
        raise UsageError(
            f"--input {folder}: {', '.join(room.name for room in own)} could each be {release.name}.\n"
            f"Name one of these folders: --input {own[0]}"
        )
    return {**_files(own[0], names), **found} if len(own) == 1 else found


def _rooms(folder: Path, *names: str) -> list[Path]:
    """Sub-folders that hold one of the files."""
    return sorted({place.parent for name in names for place in folder.glob(f"*/{name}") if place.is_file()})


def _files(folder: Path, names: list[str]) -> dict[str, Path]:
    places = {name: [folder / name, folder / f"{name}.gz"] for name in names}
    return {name: place for name, both in places.items() for place in reversed(both) if place.is_file()}


def _in_file(path: Path, release: Release, names: list[str], work: Path) -> dict[str, Path]:
    if path.suffix == ".zip":
        return unpack_zip(path, release, names, work)
    return {**_in_folder(path.parent, release, names), release.log.file: path}


def _plain(path: Path, release: Release, work: Path) -> Path:
    if path.suffix != ".gz":
        return path
    target = work / path.stem
    try:
        with gzip.open(path) as packed, target.open("wb") as out:
            _copy(packed, out, path, path.stat().st_size, release.max_unpacked_bytes)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a complete gz file ({error}).\nFetch it again.") from error
    return target


def unpack_zip(path: Path, release: Release, names: list[str], work: Path) -> dict[str, Path]:
    """Unpack the members whose last name is expected, to `work/<name>` whatever folder they are stored under.

    Raises:
        DataError: the zip is broken; a member is absolute, has `..` in its path, is a link, or comes twice; or it
            unpacks to more than the release's limit.
    """
    found: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(_safe(member, path).filename).name
                if name not in names or member.is_dir():
                    continue
                if name in found:
                    raise DataError(f"{path}: {name} is in it more than once; fetch the archive again.")
                found[name] = work / name
                with archive.open(member) as packed, found[name].open("wb") as out:
                    _copy(packed, out, path, member.compress_size, release.max_unpacked_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{path}: not a complete zip file ({error}).\nFetch it again; --download resumes and checks the digest."
        ) from error
    return found


def _safe(member: zipfile.ZipInfo, path: Path) -> zipfile.ZipInfo:
    """The member, if its name stays inside a folder and it is not a link."""
    name = member.filename.replace("\\", "/")
    climbs = name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]
    if climbs or stat.S_ISLNK(member.external_attr >> 16):
        kind = "path outside the archive's folder" if climbs else "link"
        raise DataError(
            f"{path}: unsafe member {member.filename!r} ({kind}); nothing was unpacked from it.\n"
            "This is not the publisher's file; fetch it again from the address in the documentation."
        )
    return member


def _copy(packed: IO[bytes] | gzip.GzipFile, out: IO[bytes], path: Path, stored: int, limit: int) -> None:
    """Copy in blocks and stop as soon as the content is larger than the release can be."""
    total = 0
    while block := packed.read(_BLOCK):
        total += len(block)
        if total > limit or total > FREE_BYTES + MAX_RATIO * stored:
            most = min(limit, FREE_BYTES + MAX_RATIO * stored)
            raise DataError(
                f"{path}: unpacks to more than {most:,} bytes; stopped.\n"
                "This is not the publisher's file; fetch it again."
            )
        out.write(block)
