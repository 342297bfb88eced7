"""How a secret looks in a text: tokens with known prefixes, parts of addresses, and values beside the name of a secret.

The tables hold regular expressions of what is hidden. A form of `NAMED` is hidden where its name is that of a secret.
"""

import re

from recbole_ext.secret_names import is_plain_word, is_secret_name

HIDDEN = "[redacted]"

TOKENS: dict[str, str] = {
    "Discord": r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",
    "Slack": r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}|xapp-\d-[\w-]{10,}",
    "Telegram": r"\d{8,10}:AA[\w-]{30,}",
    "GitHub": r"gh[pousr]_\w{20,}|github_pat_\w{20,}",
    "GitLab": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt|ffct)-[\w-]{16,}",
    "Hugging Face": r"hf_\w{20,}",
    "OpenAI, Anthropic, OpenRouter": r"sk-[\w-]{20,}",
    "Stripe": r"[srp]k_(?:live|test)_\w{10,}|whsec_\w{16,}",
    "Google": r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}",
    "AWS": r"A(?:KIA|SIA|GPA|IDA|ROA|NPA|BIA|CCA)[0-9A-Z]{16}\b",
    "npm, PyPI, RubyGems, Docker": r"npm_\w{30,}|pypi-[\w-]{30,}|rubygems_[0-9a-f]{40,}|dckr_[a-z]+_[\w-]{20,}",
    "DigitalOcean, Shopify, Databricks": r"do[opr]_v1_[0-9a-f]{40,}|shp[a-z]{2}_[0-9a-fA-F]{20,}|dapi[0-9a-f]{32}\b",
    "SendGrid, Mailgun, Square": r"SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}\b|sq0[a-z]{3}-[\w-]{20,}",
    "Vault, Grafana, Tailscale": r"hv[sbr]\.[\w-]{20,}|gl(?:sa|c)_[\w=-]{20,}|tskey-[\w-]{16,}",
    "Atlassian, Linear, New Relic": r"AT(?:ATT|BB|CTT)3?[\w=-]{24,}|lin_api_\w{30,}|NRAK-[A-Z0-9]{20,}",
    "Replicate, Groq, Perplexity, xAI": r"r8_\w{30,}|gsk_\w{30,}|pplx-\w{30,}|xai-\w{30,}",
    "Weights & Biases": r"wandb_v\d_\w{20,}",
    "age": r"AGE-SECRET-KEY-1[0-9A-Z]{20,}",
    "JSON web token": r"(?<!-)eyJ[\w-]{10,999}\.[\w-]{10,9999}\.[\w-]+",
}
"""Whose token -> what follows the beginning of a word."""
ADDRESSES: dict[str, str] = {
    "webhook": r"(?:discord(?:app)?\.com/api/webhooks|hooks\.slack\.com|[\w.-]{1,99}\.webhook\.office\.com"
    r"|outlook\.office\.com/webhook|hooks\.zapier\.com)/(?P<path>[^\s'\"]+)",
    "user and password": r"(?P<login>[^\s:'\"<>/]{0,99}:(?!\d{1,5}/)[^\s'\"<>]{1,999})@",
    "token": r"(?!git@)(?P<token>[^\s:'\"<>/@]{1,999})@",
}
"""Part of an address -> what follows `://`, with the secret as a group."""
BLOCKS: dict[str, str] = {
    "private key": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    "cookies": r"(?<=\b[Cc]ookie: )[^\n'\"]+",
    "bearer": r"(?<=\b[Bb]earer )(?=[^\s'\"]{0,99}[\d._~+/=-])[\w.~+/=-]{8,}",
}
_VALUE = r"(?P<value>\"[^\"\n]{1,999}\"|'[^'\n]{1,999}'|(?!\$[({])[^\s&'\"`]+)"
_NAME = r"(?<![\w-])(?P<name>[\w-]{1,99})"
NAMED: dict[str, str] = {
    "assigned": rf"{_NAME}(?P<between>=){_VALUE}",
    "option": rf"(?<![\w-])(?P<name>--[\w-]{{1,99}})(?P<between>[ ]{{1,9}})(?!-){_VALUE}",
    "JSON": r"(?<!\\)(?P<name>(?P<quote>\\{0,8}[\"'])[\w.-]{1,99}(?P=quote))(?P<between>\s{0,9}:\s{0,9})"
    r"(?P<value>(?P<open>\\{0,8}[\"'])(?:(?!(?P=open)).){1,9999}(?P=open))",
    "header or YAML": rf"{_NAME}(?P<between>[ ]?:[ \t]{{1,9}}(?:(?i:bearer|basic|token|digest)[ ])?|[ ]=[ ]){_VALUE}",
}
"""How a value follows its name -> the groups name, between and value."""
_IN_SENTENCES = ("header or YAML",)
"""Forms of ordinary sentences too, in which a plain word such as `key: ...` is the name of no secret."""
_PLACEHOLDERS = ("value", "VALUE", "TOKEN", "", HIDDEN.strip("]"))
_tokens = re.compile(rf"\b(?:{'|'.join(TOKENS.values())})")
_addresses = re.compile(rf"(?<=://)(?!\[redacted\])(?:{'|'.join(ADDRESSES.values())})")
_blocks = re.compile("|".join(BLOCKS.values()), re.DOTALL)
_named = {form: re.compile(pattern, re.DOTALL) for form, pattern in NAMED.items()}


def without_tokens(text: str) -> str:
    """A text without tokens, keys and parts of addresses, which are secrets whatever their name is."""
    return _tokens.sub(HIDDEN, _addresses.sub(_hide_part, _blocks.sub(HIDDEN, text)))


def without_values(text: str) -> str:
    """A text without the values of names of secrets."""
    for form, pattern in _named.items():
        text = _without_values(text, pattern, form in _IN_SENTENCES)
    return text


def _hide_part(found: re.Match[str]) -> str:
    part = found.lastgroup or 0
    start, end = found.span(part)
    return f"{found.string[found.start() : start]}{HIDDEN}{found.string[end : found.end()]}"


def _without_values(text: str, pattern: re.Pattern[str], of_sentences: bool) -> str:
    """Hide the values of names of secrets; the value of another name is searched itself."""
    kept, done, at = [], 0, 0
    while found := pattern.search(text, at):
        if _is_secret(found, of_sentences):
            marks = re.match(r"[\\\"']*", found["value"])
            quotes = marks[0] if marks else ""
            kept.append(f"{text[done : found.start('value')]}{quotes}{HIDDEN}{quotes}")
            done = at = found.end()
        else:
            at = found.end("between")
    return "".join([*kept, text[done:]])


def _is_secret(found: re.Match[str], of_sentences: bool) -> bool:
    name = found["name"].strip("\\\"'-")
    if not is_secret_name(name) or (of_sentences and is_plain_word(name)):
        return False
    return found["value"].strip("],;.:)\"'\\") not in _PLACEHOLDERS
