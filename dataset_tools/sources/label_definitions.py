"""The labels that a log of actions can be given, and their definitions."""

LABELS = ("click", "buy")
NEGATIVES = ("uniform", "popularity")
SAMPLE_NEGATIVES = (*NEGATIVES, "matched")
DEFINITIONS = {
    "buy": "every row of the log; positive (1): behavior buy; negative (0): behavior pv, cart or fav",
    "click": "positive (1): behavior pv; negative (0): one sampled item per positive, same user and second; "
    "rows of cart, fav and buy are left out",
}
