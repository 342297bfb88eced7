"""Numbers of things as people write them."""


def amount(number: int, noun: str) -> str:
    """`1 epoch`, `1,682 items`.

    Args:
        number: how many.
        noun: of one of them; its plural has an s.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
