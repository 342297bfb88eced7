"""The token that clients send, and who may be answered without one: clients on this machine."""

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

from recbole_ext.errors import DataError, UsageError
from recbole_ext.redact import remember_text

VARIABLE = "RECBOLE_EXT_TOKEN"
SHORTEST = 16
_BEARER = b"bearer "


def read_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The token in a file, else in the variable RECBOLE_EXT_TOKEN; None where neither is given.

    It is hidden in all that this process prints from now on.

    Raises:
        DataError: the file cannot be read.
        UsageError: the token is too short, or has other characters than visible ASCII.
    """
    if file is None and not environment.get(VARIABLE):
        return None
    where = f"--token-file={file}" if file is not None else VARIABLE
    try:
        token = (file.read_text(encoding="utf-8") if file is not None else environment[VARIABLE]).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {where}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    if len(token) < SHORTEST or not all("!" <= sign <= "~" for sign in token):
        raise UsageError(
            f"{where}: a token has at least {SHORTEST} characters of visible ASCII (this one has {len(token)}); "
            "make one with: openssl rand -hex 32"
        )
    remember_text(token)
    return token


def is_loopback(host: str) -> bool:
    """Whether a name or address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def require_token_beyond_loopback(host: str, token: str | None) -> None:
    """Refuse to be reachable for everyone.

    Raises:
        UsageError: other machines can reach `host`, and there is no token.
    """
    if token is None and not is_loopback(host):
        raise UsageError(
            f"--host={host} can be reached from other machines; set a token with --token-file or {VARIABLE}, or listen "
            "on 127.0.0.1"
        )


class Token:
    """Compares what clients send with a token, in a time that does not depend on either.

    Args:
        token: None: clients are known by the name under which they reach this server, which must be a loopback name,
            so that a web page that a browser on this machine has open cannot ask.
    """

    def __init__(self, token: str | None) -> None:
        self.is_set = token is not None
        self._digest = hashlib.sha256((token or "").encode()).digest()

    def refusal(self, headers: Mapping[bytes, bytes]) -> tuple[int, str] | None:
        """Status and sentence for a request that may not be answered; None for one that may.

        Args:
            headers: names in lower case.
        """
        if self.is_set:
            given = headers.get(b"authorization", b"")
            sent = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else b""
            if hmac.compare_digest(hashlib.sha256(sent).digest(), self._digest):
                return None
            return 401, "a token is needed: send the header Authorization: Bearer TOKEN"
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if is_loopback(name):
            return None
        return 403, "without a token this server answers to localhost, 127.0.0.1 and [::1] alone, not to other names"
