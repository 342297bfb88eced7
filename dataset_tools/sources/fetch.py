"""Download a release: resumed where it stopped, limited in size, renamed only when its digest is right."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from dataset_tools.errors import DataError, ResourceError
from dataset_tools.progress import Progress
from dataset_tools.sources.release import Download, Release

_BLOCK = 1 << 20
_HASH_BLOCK = 1 << 18
TIMEOUT_SECONDS = 30


def fetch(release: Release, folder: Path, url: str | None = None, quiet: bool = False) -> Path:
    """Fetch the release's zip into `folder`, or return the one that is already there and valid.

    Args:
        release: with a download address.
        folder: of the zip; a download in progress is `<zip>.part` in it and is resumed by the next call.
        url: another address of the same file, such as a mirror; the digest is checked all the same.
        quiet: no progress bar.

    Raises:
        ResourceError: there is no address, no network, or the response ended early.
        DataError: the file is too large or has the wrong digest.
    """
    source = _source(release, url)
    target = folder / source.url.rsplit("/", 1)[-1]
    if target.exists() and _fits(target, source.digest):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        _transfer(source, part, quiet)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise ResourceError(
            f"{source.url}: download failed ({getattr(error, 'reason', error)}).\n"
            f"Run the command again to resume, or fetch the file elsewhere, put it at {target}\n"
            f"and pass --input {target}."
        ) from error
    _check_digest(part, source)
    part.rename(target)
    return target


def _source(release: Release, url: str | None) -> Download:
    if release.download is None:
        raise ResourceError(f"{release.name}: there is no download address.\n{release.licence}\nThen use --input.")
    known = release.download
    return known if url is None else Download(url, known.digest, known.max_bytes)


def _transfer(source: Download, part: Path, quiet: bool) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "recbole-data", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        answer = urllib.request.urlopen(urllib.request.Request(source.url, headers=headers), timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send; the digest decides
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as out:
        _receive(answer, out, have if answer.status == 206 else 0, source, quiet)


def _receive(answer: http.client.HTTPResponse, out: IO[bytes], have: int, source: Download, quiet: bool) -> None:
    length = answer.headers.get("Content-Length")
    total = have + int(length) if length else 0
    _check_size(max(total, have), source)
    title = f"fetching {source.url.rsplit('/', 1)[-1]}"
    bar = Progress(title, total or source.max_bytes, enabled=not quiet, done=have)
    while block := answer.read(_BLOCK):
        have += out.write(block)
        bar.update(len(block))
        _check_size(have, source)
    bar.close()
    if total and have < total:
        raise ConnectionError(f"ended after {have:,} of {total:,} bytes")


def _check_size(size: int, source: Download) -> None:
    if size > source.max_bytes:
        raise DataError(
            f"{source.url}: {size:,} bytes or more, but at most {source.max_bytes:,} are expected; stopped.\n"
            "Check the address; this is not the published file."
        )


def digest_of(path: Path, algorithm: str) -> str:
    """`sha256:<hex>` (or another algorithm) of a file."""
    digest, block = hashlib.new(algorithm), memoryview(bytearray(_HASH_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(block[:count])
    return f"{algorithm}:{digest.hexdigest()}"


def _fits(path: Path, digest: str | None) -> bool:
    return digest is not None and digest_of(path, digest.partition(":")[0]) == digest


def _check_digest(part: Path, source: Download) -> None:
    if source.digest is None or _fits(part, source.digest):
        return
    found = digest_of(part, source.digest.partition(":")[0])
    part.unlink()
    raise DataError(
        f"{source.url}: wrong digest {found},\nexpected {source.digest}; the download was removed.\n"
        "Run the command again; if it repeats, the address does not serve the published file."
    )
