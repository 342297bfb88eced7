"""A configuration as a person reads it: every value with its origin."""

from recbole_ext.config.config import Config
from recbole_ext.redact import redact


def config_lines(config: Config, changed: bool = False) -> list[str]:
    """`key = value   # where it came from`, one line per key, sorted by key, without secrets.

    Args:
        config: of a run.
        changed: only the keys to which the user gave another value than the defaults have.
    """
    rows = [
        (key, repr(value) if isinstance(value, str) else str(value), config.origins.get(key, "derived"))
        for key, value in sorted(redact(config.final_config_dict).items(), key=lambda item: item[0].lower())
        if not changed or key in config.changed
    ]
    if not rows:
        return ["every setting has its default", *unread_lines(config)]
    wide_key = max(len(key) for key, _, _ in rows)
    wide_value = min(60, max(len(value) for _, value, _ in rows))
    lines = [f"{key:<{wide_key}} = {value:<{wide_value}}  # {origin}" for key, value, origin in rows]
    return lines + unread_lines(config)


def unread_lines(config: Config) -> list[str]:
    """A warning for each setting of the user that the run does not read."""
    return [f"WARNING     {sentence}" for sentence in config.unread]
