"""The labels that a log of actions can be given, and how negatives are sampled, in words."""

LABELS = ("click", "buy")
NEGATIVES = ("uniform", "popularity")
DEFINITIONS = {
    "buy": "every row of the log; positive (1): behaviour buy; negative (0): behaviour pv, cart or fav",
    "click": "positive (1): behaviour pv; negative (0): one drawn item per positive, same user and second; "
    "rows of cart, fav and buy are left out",
}
