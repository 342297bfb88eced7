r"""Text from outside as it is shown: what steers a terminal or turns the direction of writing is printed as an escape.

Keys, paths, headers, tokens and names of files can hold any character. `\x1b[2J` would clear the screen, `\r` write
over a line, and U+202E show the rest of a line backwards. Line breaks and tabs stay.
"""

import re
from typing import Any

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line feed
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # directions, invisible signs, line ends
    "\U000e0000-\U000e007f"  # tags
    "\ud800-\udfff]"  # bytes of a file's name that are no text
)


def visible(text: str) -> str:
    r"""A text whose hidden characters are escapes: `\x1b`, `\u202e`."""
    return _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class VisibleStream:
    """A text stream for people: what is written to it is made visible.

    Args:
        stream: standard output or error; its other attributes are this object's too.

    Attributes:
        beneath: the stream itself, for what steers the terminal on purpose: a progress bar.
    """

    def __init__(self, stream: Any) -> None:
        self.beneath = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)

    def write(self, text: str) -> int:
        """Write a text; returns the number of characters."""
        self.beneath.write(visible(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each."""
        for line in lines:
            self.write(line)


def beneath(stream: Any) -> Any:
    """The stream under a `VisibleStream`; another stream as it is."""
    return stream.beneath if isinstance(stream, VisibleStream) else stream
