"""`drift compare`: two runs on the same users, before one takes the place of the other."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.drift.verdict import DRIFT, INSUFFICIENT, OK, overall
from dataset_tools.files.publish import whole_folder
from recbole_ext.drift.switch.lists import Known, Ranker, Together, known_users
from recbole_ext.drift.switch.sibling import find_sibling
from recbole_ext.drift.switch.summary import MEASURES, Interval, UserRows, details, measured, user_rows
from recbole_ext.errors import DataError, UsageError
from recbole_ext.report.page import Page
from recbole_ext.runs.checkpoint import weights_hash
from recbole_ext.serving.bulk.safe_cells import safe_frame
from recbole_ext.serving.histories import removes_seen
from recbole_ext.serving.run import Run

PAGE, FACTS, USERS = "switch.html", "switch.json", "users.tsv"
_DIGITS = 6


@dataclass(frozen=True)
class SwitchOptions:
    """A comparison.

    Args:
        run_a, run_b: directories; A is what serves now.
        users: a file with a user per line.
        k: length of the lists.
        output: folder that is written; None for none.
        null: another seed of A; None: one of the experiment of A, else of B.
        remove_seen: whether seen items are left out of both; None: as the protocol of A.
        thresholds: a yaml that overrides the section `switch`.
        overwrite: replace a folder that this command wrote.
        device: where to compute; None: where the runs did.
        safe_csv: whether cells of the users' table that a spreadsheet would execute are marked.
    """

    run_a: Path
    run_b: Path
    users: Path
    k: int = 10
    output: Path | None = None
    null: Path | None = None
    remove_seen: bool | None = None
    thresholds: Path | None = None
    overwrite: bool = False
    device: str | None = None
    safe_csv: bool = False


@dataclass(frozen=True)
class Switch:
    """What was found.

    Attributes:
        facts: `switch.json`.
        rows: of the users.
        known: users of the file.
    """

    facts: dict[str, Any]
    rows: UserRows
    known: Known

    def table(self) -> pd.DataFrame:
        """A row per user; those whom one run alone knows have no values."""
        columns = {
            "overlap": self.rows.overlap.round(_DIGITS),
            "rank_similarity": self.rows.rank_similarity.round(_DIGITS),
            "score_shift": self.rows.shift.round(_DIGITS),
            "new_items": self.rows.new.astype(int),
            "lost_items": self.rows.lost.astype(int),
        }
        compared = pd.DataFrame({"user": self.rows.users, "known_to": "both", **columns})
        alone = [
            (user, side) for side, users in (("a", self.known.a_alone), ("b", self.known.b_alone)) for user in users
        ]
        return pd.concat([compared, pd.DataFrame(alone, columns=["user", "known_to"])]) if alone else compared


def compare_runs(options: SwitchOptions) -> Switch:
    """Compare, and write the files of `output`.

    Raises:
        UsageError: a run is none of a ranking model, or an option has a value that is not allowed.
        DataError: no user is known to both runs, or a run cannot be opened.
    """
    if options.k < 1:
        raise UsageError(f"--k must be at least 1 (got {options.k})")
    limits = load_thresholds(options.thresholds).section("switch")
    a, b = (Ranker(Run(path, device=options.device)) for path in (options.run_a, options.run_b))
    remove_seen = removes_seen(a.run.loaded, options.remove_seen)
    known = known_users(a, b, options.users)
    rows = user_rows(Together(a, b, known.both, options.k, remove_seen))
    null = _null(options, a, b, rows.users, remove_seen)
    facts = {
        "version": 1,
        "kind": "switch",
        "verdict": "",
        "runs": {"a": _run_facts(a.run), "b": _run_facts(b.run)},
        "notes": _notes(a, b, rows),
        "k": options.k,
        "seen_items_removed": remove_seen,
        "users": {
            "compared": len(rows.users),
            "known_to_a_alone": len(known.a_alone),
            "known_to_b_alone": len(known.b_alone),
            "known_to_neither": known.neither,
        },
        "measures": _judged(measured(rows), null[1], len(rows.users), limits),
        "null": {"runs": null[0], "users": null[2]} if null[1] else None,
        **details(rows),
        "thresholds": limits,
    }
    facts["verdict"] = overall([one["state"] for one in facts["measures"].values()])
    found = Switch(facts, rows, known)
    if options.output is not None:
        _write(found, options)
    return found


def _null(
    options: SwitchOptions, a: Ranker, b: Ranker, users: list[str], remove_seen: bool
) -> tuple[list[str], dict[str, Interval], int]:
    """Names of two seeds of one model, their measures, and the users; nothing where none is at hand."""
    of, path = a, options.null or find_sibling(options.run_a, options.run_b)
    if path is None:
        of, path = b, find_sibling(options.run_b, options.run_a)
    if path is None:
        return [], {}, 0
    other = a if path.resolve() == a.run.path.resolve() else Ranker(Run(path, device=options.device))
    if options.null is not None:
        _require_null(other.run, a.run, b.run)
    both = [user for user in users if other.knows(user)]
    if not both:
        raise DataError(f"{path}: it knows none of the users that are compared; name another seed with --null")
    rows = user_rows(Together(of, other, both, options.k, remove_seen))
    return [of.run.path.name, other.run.path.name], measured(rows), len(rows.users)


def _require_null(null: Run, a: Run, b: Run) -> None:
    """Refuse a run that is not another seed of A.

    Raises:
        UsageError: it is A or B, or of another model or data set.
    """
    for what in ("model", "dataset"):
        found, wanted = (getattr(run.config, what) for run in (null, a))
        if found != wanted:
            raise UsageError(
                f"--null={null.path}: its {what} is {found}, and that of A {wanted}; name another seed of A"
            )
    for name, run in (("A", a), ("B", b)):
        if weights_hash(null.path) == weights_hash(run.path):
            raise UsageError(f"--null={null.path}: it has the weights of {name}; name another seed of A")


def _judged(
    values: dict[str, Interval], null: dict[str, Interval], users: int, limits: dict[str, float]
) -> dict[str, dict[str, Any]]:
    """Value, interval, null, excess and state of each measure.

    The excess over the null (over 0 where there is none) must be above the threshold, and the whole interval above the
    null.
    """
    found = {}
    for name, (value, low, high) in values.items():
        usual = null[name][0] if null else None
        excess = value - (usual or 0.0)
        state = INSUFFICIENT if users < limits["users"] else OK
        if state == OK and excess > limits[name] and low > (usual or 0.0):
            state = DRIFT
        numbers = {"value": value, "low": low, "high": high, "null": usual, "excess": excess}
        rounded = {key: None if of is None else round(of, _DIGITS) for key, of in numbers.items()}
        found[name] = {"state": state, **rounded, "threshold": limits[name]}
    return found


def _run_facts(run: Run) -> dict[str, Any]:
    facts = {
        "name": run.path.name,
        "model": run.config.model,
        "dataset": run.config.dataset,
        "seed": run.config["seed"],
    }
    return {**facts, "weights_sha256": weights_hash(run.path), "finished": bool(run.result)}


def _notes(a: Ranker, b: Ranker, rows: UserRows) -> list[str]:
    """What a reader should know before reading the numbers."""
    found = [note for ranker in (a, b) for note in ranker.run.loaded.notes]
    if a.run.config.dataset != b.run.config.dataset:
        found.append(
            f"A was trained on {a.run.config.dataset}, B on {b.run.config.dataset}: users and items are joined by "
            "their ids, which must mean the same in both"
        )
    if weights_hash(a.run.path) == weights_hash(b.run.path):
        found.append("both runs have the same weights")
    sizes = rows.catalogue
    if sizes["both"] < max(sizes["a"], sizes["b"]):
        found.append(
            f"A has {sizes['a']:,} items and B {sizes['b']:,}, {sizes['both']:,} of them in common; scores are "
            "compared on these, lists on all"
        )
    return found


def _write(found: Switch, options: SwitchOptions) -> None:
    assert options.output is not None
    read = [options.run_a, options.run_b, options.null, options.users]
    with whole_folder(options.output, options.overwrite, read) as folder:
        (folder / FACTS).write_text(json.dumps(found.facts, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        table = safe_frame(found.table()) if options.safe_csv else found.table()
        table.to_csv(folder / USERS, sep="\t", index=False, na_rep="")
        page(found.facts).write(folder / PAGE)


def lines(facts: dict[str, Any]) -> list[str]:
    """The comparison as text."""
    users, shown = facts["users"], facts["items_shown"]
    runs = facts["runs"]
    text = [f"verdict  {facts['verdict']}"]
    text += [
        f"run {side.upper()}    {one['name']} ({one['model']} on {one['dataset']}, seed {one['seed']})"
        for side, one in runs.items()
    ]
    text.append(
        f"users    {users['compared']:,} compared; known to A alone {users['known_to_a_alone']:,}, to B alone "
        f"{users['known_to_b_alone']:,}, to neither {users['known_to_neither']:,}"
    )
    null = facts["null"]
    text.append(
        f"null     {' and '.join(null['runs'])}: two seeds of one model"
        if null
        else "null     no second seed of either model is at hand (--null=RUN), so thresholds are on the values"
    )
    text += [f"note     {note}" for note in facts["notes"]]
    text += [f"{'measure':<18}{'value':>8}  {'95 % over users':<18}{'null':>8}{'threshold':>11}  state"]
    for name, one in facts["measures"].items():
        usual = "-" if one["null"] is None else f"{one['null']:.3f}"
        interval = f"{one['low']:.3f} to {one['high']:.3f}" if one["low"] < one["high"] else "-"
        text.append(
            f"{name:<18}{one['value']:>8.3f}  {interval:<18}{usual:>8}{one['threshold']:>11.2f}  {one['state']}"
        )
    text.append(
        f"items    {shown['a']:,} in lists of A ({facts['coverage']['a']:.1%} of its items), {shown['b']:,} in lists "
        f"of B ({facts['coverage']['b']:.1%}); {shown['new']:,} new, {shown['lost']:,} lost"
    )
    groups = ", ".join(f"{name} {of['a']:.1%} -> {of['b']:.1%}" for name, of in facts["popularity"].items())
    return [*text, f"places   by popularity in the training of A: {groups}"]


def page(facts: dict[str, Any]) -> Page:
    """The comparison as a page."""
    built = Page("Two models on the same users", f"lists of {facts['k']} items, {facts['users']['compared']:,} users")
    built.notes([[one["state"], f"{MEASURES[name]}: {one['value']:.3f}"] for name, one in facts["measures"].items()])
    for note in facts["notes"]:
        built.text(note)
    head = ("measure", "value", "low", "high", "null", "excess", "threshold", "state")
    keys = ("value", "low", "high", "null", "excess", "threshold", "state")
    built.heading("Measures").table(
        head, [(name, *(one[key] for key in keys)) for name, one in facts["measures"].items()]
    )
    built.heading("List places by popularity in the training of A").table(
        ("items", "A", "B"), [(name, of["a"], of["b"]) for name, of in facts["popularity"].items()]
    )
    for key, title in (("most_gained", "Items in more lists"), ("most_lost", "Items in fewer lists")):
        rows = [(one["item"], one["lists_a"], one["lists_b"]) for one in facts[key]]
        built.heading(title).table(("item", "lists of A", "lists of B"), rows)
    flat = {
        f"run {side.upper()}": f"{one['name']}, {one['model']} on {one['dataset']}"
        for side, one in facts["runs"].items()
    }
    null = "none at hand" if facts["null"] is None else " and ".join(facts["null"]["runs"])
    return built.heading("Runs").facts({**flat, "null, two seeds of one model": null, **facts["users"]})
