"""Notifies a person elsewhere of how a run ended, that it failed, or that something looks wrong.

The address is a secret: it comes from the variable RECBOLE_EXT_NOTIFY_URL (for Discord also DISCORD_WEBHOOK_URL) or
from a file, never from the configuration, and it is in no message. Only https and known hosts are written to,
redirects are refused, and a message that cannot be sent within five seconds is given up; the run continues.
"""

import json
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.errors import UsageError
from recbole_ext.redact import redact_text, remember_text

VARIABLE = "RECBOLE_EXT_NOTIFY_URL"
FURTHER_VARIABLES = {"discord": "DISCORD_WEBHOOK_URL"}
"""Read where the first one is not set: the name that other programs use."""
HOSTS = {"discord": ("discord.com", "discordapp.com"), "slack": ("hooks.slack.com",)}
TIMEOUT_SECONDS = 5.0
MOST_WARNINGS = 3
MESSAGES = ("finished", "failed", "interrupted", "warning")
"""Events with a message."""
_LONGEST = 1500


class Notifier:
    """Sends one message per end, failure or warning of a run; of warnings without a rule `MOST_WARNINGS` at most.

    A rule of the course warns once in a run, so those are few.

    Args:
        kind: discord, slack or webhook.
        address: from `notify_address`.
        run: what the messages are about.
    """

    name = "notify"

    def __init__(self, kind: str, address: str, run: str) -> None:
        self.kind, self.address, self.run, self.warnings = kind, address, run, 0

    def event(self, kind: str, facts: dict[str, Any]) -> None:
        """Send the message of an event, if it has one.

        Raises:
            OSError: it could not be sent.
        """
        is_limited = kind == "warning" and "rule" not in facts
        self.warnings += is_limited
        if kind in MESSAGES and not (is_limited and self.warnings > MOST_WARNINGS):
            send(self.address, message(self.kind, f"{self.run} {kind}: {event_text(kind, facts)}"))

    def close(self) -> None:
        """Nothing is held open."""


def notifier(kind: str | None, file: str | None, hosts: list[str] | None, run: str) -> Notifier | None:
    """The notifier that the keys `notify`, `notify_file` and `notify_hosts` ask for; its address is checked at once."""
    return None if kind is None else Notifier(kind, notify_address(kind, file, hosts), run)


def notify_address(kind: str, file: str | None, hosts: list[str] | None) -> str:
    """The address from its file or variable.

    Raises:
        UsageError: there is none, it is not https, or its host is not one of `kind`; the address is not shown.
    """
    variable = _variable(kind)
    where = f"notify_file {file}" if file else f"the variable {variable}"
    try:
        address = (Path(file).read_text(encoding="utf-8") if file else os.environ.get(variable, "")).strip()
    except (OSError, ValueError):
        raise UsageError(f"{where} cannot be read; it must hold the https address for notify: {kind}") from None
    if not address:
        raise UsageError(f"notify: {kind} needs an address; put it into {where}, or leave notify out")
    remember_text(address)
    allowed = HOSTS.get(kind) or tuple(hosts or ())
    if not _is_allowed(address, allowed):
        raise UsageError(f"{where}: the address must be https://HOST/..., with HOST one of {', '.join(allowed)}")
    remember_text(urlsplit(address).path.rpartition("/")[2])
    return address


def _variable(kind: str) -> str:
    """Name of the variable that holds the address."""
    further = FURTHER_VARIABLES.get(kind, VARIABLE)
    return VARIABLE if os.environ.get(VARIABLE) or not os.environ.get(further) else further


def _is_allowed(address: str, hosts: tuple[str, ...]) -> bool:
    """Whether this is https on its usual port, to one of the hosts, with no user and nothing but visible ASCII."""
    if not address.isascii() or any(sign <= " " or sign in "\\\x7f" for sign in address):
        return False
    try:
        parts = urlsplit(address)
        usual_port = parts.port in (None, 443)
    except ValueError:
        return False
    named = parts.hostname in [host.lower() for host in hosts]
    return parts.scheme == "https" and usual_port and named and "@" not in parts.netloc


def event_text(kind: str, facts: dict[str, Any]) -> str:
    """One line about an event, without secrets."""
    if kind == "finished" and "text" not in facts:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in (facts.get("test") or {}).items())
        tested = ALL_ROWS if trained_on_all(facts) else f"test {metrics}"
        text = f"{tested}; best epoch {facts.get('best_epoch')}, {facts.get('total_seconds')} s"
    else:
        text = str(facts.get("text", ""))
    return "".join(sign if sign.isprintable() else " " for sign in redact_text(text))[:_LONGEST]


def message(kind: str, text: str) -> dict[str, Any]:
    """The body that a service expects; no one is mentioned by name, and no markup is obeyed where it can be avoided."""
    if kind == "discord":
        return {"content": text, "allowed_mentions": {"parse": []}}
    if kind == "slack":
        return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    return {"text": text}


def send(address: str, body: dict[str, Any], timeout: float = TIMEOUT_SECONDS) -> None:
    """Post JSON; a thread does it, so that a slow name server cannot hold the run either.

    Raises:
        OSError: it was refused, or took too long; the address is not shown.
    """
    faults: list[str] = []
    finished = threading.Event()

    def post() -> None:
        fault = _post(address, body, timeout)
        if fault:
            faults.append(fault)
        finished.set()

    threading.Thread(target=post, daemon=True).start()
    if not finished.wait(timeout):
        raise TimeoutError(f"no answer within {timeout:g} s")
    if faults:
        raise OSError(faults[0])


def _post(address: str, body: dict[str, Any], timeout: float) -> str | None:
    """Post once; returns what went wrong, as a text without the address."""
    headers = {"Content-Type": "application/json", "User-Agent": "recbole-ext"}
    try:
        request = urllib.request.Request(address, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout) as answer:
            return None if 200 <= answer.status < 300 else f"the answer was HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        return f"the answer was HTTP {error.code}"
    except Exception as error:
        reason = getattr(error, "reason", error)
        return f"it could not be sent ({type(reason).__name__})"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """A redirect could lead anywhere; it counts as a refusal."""
