"""Names that people give to columns of a role."""

from recbole_ext.errors import nearest

_WORDS = {
    "user": ("user", "customer", "session", "visitor", "member", "reviewer", "person"),
    "item": ("item", "product", "business", "movie", "article", "song", "book", "asin", "sku", "track"),
    "time": ("time", "date", "when", "second", "day", "stamp", "created", "_at"),
    "rating": ("rating", "star", "score", "value", "grade", "rate"),
}
"""Parts of such names."""


def sounds_like(field: str, role: str, wanted: str) -> bool:
    """Whether a column's name is one of a role's, or close to the name that was looked for."""
    return any(word in field.lower() for word in _WORDS.get(role, ())) or bool(nearest(field, [wanted]))
