"""Which names stand for a secret: keys of a configuration, options of a command line, variables of the environment."""

import re
from functools import cache

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where camelCase and PascalCase begin a new word: `accessKey`, `APIKey`."""
WITHIN = (
    *("password", "passwd", "passphrase", "passcode", "secret", "credential", "webhook", "notifyurl"),
    *(
        "apikey",
        "accesskey",
        "privatekey",
        "authkey",
        "accountkey",
        "signingkey",
        "encryptionkey",
        "sshkey",
        "masterkey",
    ),
    *("authtoken", "accesstoken", "connectionstring", "connstring"),
)
"""Anywhere in a name whose words are written together: `PRIVATEKEY`, `AZURE_STORAGE_CONNECTION_STRING`."""
LAST = (
    *("key", "token", "auth", "authorization", "cookie", "dsn", "pat", "pass", "pwd", "jwt", "bearer", "otp", "totp"),
    *("sas", "sig", "signature"),
)
"""The last word of a name, also in the plural (but for `keys`), and before a number: `MYSQL_PWD`, `VAULT_TOKEN_2`."""
_ENDS = ("token", "pass", "pwd", "jwt")
"""What a last word written together may end with: `SSHPASS`."""
_FOLDERS = ("pwd", "oldpwd")
"""Variables of the shell that hold the working folder."""
_ORDINARY = ("bypass", "compass", "surpass", "encompass", "trespass", "overpass", "underpass")
_HARMLESS_LAST = (
    *("file", "path", "dir", "folder", "id", "name", "host", "hosts", "sock", "field", "column", "type", "length"),
    *("seconds", "size", "count", "version", "algorithm"),
)
"""What a name that only speaks of a secret ends with: `SECRET_FILE`, `AWS_ACCESS_KEY_ID`."""
_COUNTED = ("max", "min", "n", "num", "number", "total", "special", "vocab", "pad", "bos", "eos", "unk", "mask", "sep")
"""Before `token`: the tokens are those of a text or a vocabulary."""
_PLAIN = ("key", "token", "tokens", "pass", "auth", "pat", "sig", "signature", "sas", "bearer", "secret", "webhook")
_OF_TABLES = (
    *("user", "item", "entity", "relation", "event", "row", "column", "group", "sort", "join", "partition", "index"),
    *("primary", "foreign", "public", "unknown", "known", "config", "merge"),
)
"""Before `key`: the key is a column, or may be read by everyone."""


@cache
def is_secret_name(name: str) -> bool:
    """Whether a key, an option or a variable of this name holds a secret."""
    words = _words(name)
    if not words or (len(words) > 1 and words[-1] in _HARMLESS_LAST):
        return False
    if any(part in "".join(words) for part in WITHIN):
        return True
    return not _is_ordinary(words) and _ends_as_secret(words[-1])


def is_plain_word(name: str) -> bool:
    """Whether a name is one word that sentences also use before a colon: `key`, `token`, `pass`."""
    return _words(name) in ([word] for word in _PLAIN)


def _words(name: str) -> list[str]:
    """The words of a name in small letters, without a number at the end."""
    return re.findall(r"[a-z]+", _WORD_ENDS.sub("_", name).lower())


def _ends_as_secret(word: str) -> bool:
    return word != "keys" and any(one in LAST or one.endswith(_ENDS) for one in (word, word.removesuffix("s")))


def _is_ordinary(words: list[str]) -> bool:
    if "".join(words) in _FOLDERS or words[-1] in _ORDINARY:
        return True
    before = words[-2] if len(words) > 1 else ""
    return (before in _COUNTED and "token" in words[-1]) or (before in _OF_TABLES and words[-1] == "key")
