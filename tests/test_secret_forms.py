"""Texts before and after: what has the form of a secret is hidden, and the program's own words stay."""

import time

import pytest

from recbole_ext.redact import redact_command
from recbole_ext.secret_forms import BLOCKS, HIDDEN, TOKENS

A1 = "a1" * 30
UPPER = "A1B2" * 4
TOKENS_OF = {
    "Discord": ["MTA5" + "a" * 20 + ".Gh1jk2." + "b" * 30],
    "Slack": ["xoxb-123456789-abc", "xoxe.xoxp-1-abcdefghij", "xapp-1-A0123456789-abc"],
    "Telegram": ["123456789:AA" + A1[:33]],
    "GitHub": ["ghp_" + A1[:30], "ghs_" + A1[:30], "github_pat_" + A1],
    "GitLab": ["glpat-" + A1[:20], "gldt-" + A1[:20], "glrt-t1_" + A1[:20]],
    "Hugging Face": ["hf_" + A1[:30]],
    "OpenAI, Anthropic, OpenRouter": ["sk-" + A1, "sk-ant-api03-" + A1, "sk-proj-" + A1],
    "Stripe": ["sk_live_" + A1[:20], "rk_test_" + A1[:20], "whsec_" + A1[:20]],
    "Google": ["AIza" + A1[:35], "ya29." + A1, "GOCSPX-" + A1[:28]],
    "AWS": ["AKIA" + UPPER, "ASIA" + UPPER],
    "npm, PyPI, RubyGems, Docker": ["npm_" + A1[:36], "pypi-AgEI" + A1, "rubygems_" + A1[:48], "dckr_pat_" + A1[:27]],
    "DigitalOcean, Shopify, Databricks": ["dop_v1_" + A1, "shpat_" + A1[:32], "dapi" + A1[:32]],
    "SendGrid, Mailgun, Square": [f"SG.{A1[:22]}.{A1[:43]}", "key-" + A1[:32], "sq0atp-" + A1[:22]],
    "Vault, Grafana, Tailscale": ["hvs." + A1[:24], "glsa_" + A1[:32], "tskey-auth-" + A1[:20]],
    "Atlassian, Linear, New Relic": ["ATATT3" + A1, "lin_api_" + A1[:40], "NRAK-" + UPPER + UPPER],
    "Replicate, Groq, Perplexity, xAI": ["r8_" + A1[:37], "gsk_" + A1, "pplx-" + A1, "xai-" + A1],
    "Weights & Biases": ["wandb_v1_" + A1],
    "age": ["AGE-SECRET-KEY-1" + UPPER * 3],
    "JSON web token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl"],
    "private key": [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PRIVATE KEY-----\nMII",
    ],
}
IN_TEXTS = [
    ("https://user:pa55@host/x", f"https://{HIDDEN}@host/x"),
    ("https://user:p@ss/w0rd@host/x", f"https://{HIDDEN}@host/x"),
    ("https://TOKEN@github.com/a/b.git", f"https://{HIDDEN}@github.com/a/b.git"),
    ("redis://:secret@10.0.0.1:6379/0", f"redis://{HIDDEN}@10.0.0.1:6379/0"),
    ("at https://discord.com/api/webhooks/12/abc-DEF now", f"at https://discord.com/api/webhooks/{HIDDEN} now"),
    ("https://hooks.slack.com/services/T0/B0/x", f"https://hooks.slack.com/{HIDDEN}"),
    ("https://x.webhook.office.com/webhookb2/a@b/c", f"https://x.webhook.office.com/{HIDDEN}"),
    ("https://hooks.zapier.com/hooks/catch/1/a", f"https://hooks.zapier.com/{HIDDEN}"),
    ("Authorization: Bearer abc", f"Authorization: Bearer {HIDDEN}"),
    ("authorization: Basic dXNlcjpwdw==", f"authorization: Basic {HIDDEN}"),
    ("sent Bearer abc.def-123 there", f"sent Bearer {HIDDEN} there"),
    ("X-Api-Key: abc", f"X-Api-Key: {HIDDEN}"),
    ("Cookie: a=b; c=d", f"Cookie: {HIDDEN}"),
    ('{"api_key": "x", "seed": 7}', f'{{"api_key": "{HIDDEN}", "seed": 7}}'),
    ("{'accessKey': 'x y'}", f"{{'accessKey': '{HIDDEN}'}}"),
    (r'"{\"password\": \"x\"}"', rf'"{{\"password\": \"{HIDDEN}\"}}"'),
    ("ran curl --password x --seed 7", f"ran curl --password {HIDDEN} --seed 7"),
    ("--api_key=abc --seed=7", f"--api_key={HIDDEN} --seed=7"),
    ("--key=valuable", f"--key={HIDDEN}"),
    ("--api-key=value7", f"--api-key={HIDDEN}"),
    ("password: hunter2", f"password: {HIDDEN}"),
    ("DB_PASSWORD = 'a b'", f"DB_PASSWORD = '{HIDDEN}'"),
    ("https://h/x?token=abc&page=2", f"https://h/x?token={HIDDEN}&page=2"),
    ("https://a.blob.core.windows.net/c?sv=2020&sig=ab%2F1", f"https://a.blob.core.windows.net/c?sv=2020&sig={HIDDEN}"),
    ("X-Amz-Signature=abc&X-Amz-Date=1", f"X-Amz-Signature={HIDDEN}&X-Amz-Date=1"),
    ("AccountName=a;AccountKey=b==", f"AccountName=a;AccountKey={HIDDEN}"),
]
OWN = [
    "options are --key=value or --key value",
    "--key=VALUE.",
    "(--api_key=value)",
    "user_id:token\titem_id:token\ttimestamp:float",
    "item_key=7 user_key: 8",
    "command line: unknown key 'learing_rate'; did you mean 'learning_rate'?",
    "key: value  # a token: a word",
    "TIME_FIELD: timestamp",
    "2026-11-21 07:49:27,123 INFO a:b@c",
    "https://github.com/RUCAIBox/RecBole/issues/2042",
    "http://127.0.0.1:8000/v1/recommend",
    "git clone ssh://git@host/x",
    "max_tokens=4096 pad_token: <pad>",
    "Bearer authentication",
    "sha256 of ml-100k.inter: " + "ab" * 32,
]


@pytest.mark.parametrize(("form", "token"), [(form, token) for form, given in TOKENS_OF.items() for token in given])
def test_tokens_are_hidden_anywhere(form: str, token: str) -> None:
    assert form in {**TOKENS, **BLOCKS}
    assert redact_command(f"a ({token}), b") == f"a ({HIDDEN}), b" or (form, "END" in token) == ("private key", False)
    assert token[10:] not in redact_command(f"x={token}")


@pytest.mark.parametrize(("text", "hidden"), IN_TEXTS)
def test_secrets_in_texts(text: str, hidden: str) -> None:
    assert redact_command(text) == hidden
    assert redact_command(hidden) == hidden  # once more changes nothing


@pytest.mark.parametrize("text", OWN)
def test_other_texts_stay(text: str) -> None:
    assert redact_command(text) == text


@pytest.mark.parametrize(
    "part", ["x", "eyJ-", "sk-", "\\", "a:", "https://a:", "-----BEGIN ", "token=", '"', "-", "a: ", "@"]
)
def test_long_texts_take_no_long_time(part: str) -> None:
    started = time.process_time()
    redact_command(part * (100_000 // len(part)))
    assert time.process_time() - started < 3
