"""Downloads from a server on this machine that resumes, lies, stops early and sends too much."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dataset_tools.errors import DataError, ResourceError
from dataset_tools.sources import RELEASES
from dataset_tools.sources.fetch import fetch
from dataset_tools.sources.release import Download, Release

BODY = bytes(range(256)) * 4000


class Handler(BaseHTTPRequestHandler):
    """Behaves as the server's `mode` says."""

    def do_GET(self) -> None:
        mode, asked = self.server.mode, self.headers.get("Range")  # type: ignore[attr-defined]
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        start = int(asked[6:-1]) if asked and mode != "no_ranges" else 0
        if start >= len(BODY):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if mode != "endless":
            self.send_header("Content-Length", str(len(BODY) - start))
        self.end_headers()
        rest = BODY[start:]
        with suppress(ConnectionError):  # a reader that has had enough leaves
            self.wfile.write(rest[: len(rest) // 2] if mode == "truncated" else rest)
            for _ in range(100 if mode == "endless" else 0):
                self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.mode, server.asked = "good", []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def release(server: HTTPServer, digest: str | None = None, max_bytes: int = 2 << 20) -> Release:
    url = f"http://127.0.0.1:{server.server_port}/made.zip"
    digest = digest or "sha256:" + hashlib.sha256(BODY).hexdigest()
    return replace(RELEASES["ml-1m"], download=Download(url, digest, max_bytes))


def test_a_good_file_gets_its_name(server: HTTPServer, tmp_path: Path) -> None:
    path = fetch(release(server), tmp_path / "d", quiet=True)
    assert path.read_bytes() == BODY and [p.name for p in path.parent.iterdir()] == ["made.zip"]
    fetch(release(server), tmp_path / "d", quiet=True)
    assert len(server.asked) == 1  # type: ignore[attr-defined]


def test_it_resumes_where_it_stopped(server: HTTPServer, tmp_path: Path) -> None:
    server.mode = "truncated"  # type: ignore[attr-defined]
    with pytest.raises(ResourceError, match=r"download failed .*\nRun the command again to resume"):
        fetch(release(server), tmp_path, quiet=True)
    have = (tmp_path / "made.zip.part").stat().st_size
    assert 0 < have < len(BODY) and not (tmp_path / "made.zip").exists()
    server.mode = "good"  # type: ignore[attr-defined]
    assert fetch(release(server), tmp_path, quiet=True).read_bytes() == BODY
    assert server.asked[-1] == f"bytes={have}-"  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["no_ranges", "good"])
def test_a_part_that_is_whole_or_cannot_be_resumed(mode: str, server: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "made.zip.part").write_bytes(BODY if mode == "good" else b"junk")
    server.mode = mode  # type: ignore[attr-defined]
    assert fetch(release(server), tmp_path, quiet=True).read_bytes() == BODY


def test_wrong_digest_is_removed(server: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wrong digest sha256:"):
        fetch(release(server, "sha256:" + "0" * 64), tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_md5_is_checked_where_nothing_better_is_published(server: HTTPServer, tmp_path: Path) -> None:
    digest = "md5:" + hashlib.md5(BODY).hexdigest()
    assert fetch(release(server, digest), tmp_path, quiet=True).exists()


@pytest.mark.parametrize("mode", ["good", "endless"])
def test_too_large_a_file_is_stopped(mode: str, server: HTTPServer, tmp_path: Path) -> None:
    server.mode = mode  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="but at most 500,000 are expected"):
        fetch(release(server, max_bytes=500_000), tmp_path, quiet=True)


def test_without_network_it_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"put it at .*ml-1m.zip\nand pass --input"):
        fetch(RELEASES["ml-1m"], tmp_path, url="http://127.0.0.1:9/ml-1m.zip", quiet=True)


def test_taobao_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="there is no download address"):
        fetch(RELEASES["taobao"], tmp_path)


def test_every_movielens_release_but_latest_has_a_digest() -> None:
    for name, known in RELEASES.items():
        if name not in ("ml-latest", "taobao"):
            assert known.download is not None and known.download.digest is not None
            assert known.download.url.endswith(f"/movielens/{name}.zip")
