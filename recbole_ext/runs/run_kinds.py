"""The kinds of the files of a run that are read back, with their formats; one definition for every reader."""

from dataset_tools.files.schema import (
    ANYTHING,
    FLAG,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    FileKind,
    either,
    list_of,
    map_of,
    maybe,
    pair_of,
    record,
)

_AGAIN = "restore the file from a copy, or train the model again"
_METRICS = maybe(map_of(maybe(NUMBER)))
_TABLE = maybe(map_of(map_of(maybe(NUMBER))))
_PROTOCOL = record(
    name=TEXT,
    split=TEXT,
    order=TEXT,
    seen_items=TEXT,
    target_time=TEXT,
    candidates=TEXT,
    min_counts=TEXT,
    max_length=maybe(NUMBER),
    seed=NUMBER,
    data_sha256=map_of(TEXT),
    packages=map_of(TEXT),
    rows=TEXT,
    task=TEXT,
    preset=TEXT,
    changes=maybe(OBJECT),
    split_kind=TEXT,
    candidate_seed=maybe(NUMBER),
    filters=TEXT,
    targets=TEXT,
)
_RATINGS = record(
    {"all": map_of(maybe(NUMBER)), "groups": map_of(map_of(maybe(NUMBER)))},
    by_star=map_of(record(dict.fromkeys(("n", "rmse", "bias"), maybe(NUMBER)))),
)
_RELIABILITY = record(dict.fromkeys(("rows", "predicted", "observed"), list_of(maybe(NUMBER))))
_VERDICT = record({"text": TEXT, "verdict": TEXT, "value": maybe(NUMBER)}, tier=maybe(TEXT))
_FORGETTING = record(before=maybe(NUMBER), after=maybe(NUMBER), rows=maybe(NUMBER), metric=TEXT)
RESULT = FileKind(
    record(
        {"model": TEXT, "valid_metric": TEXT, "test": _METRICS},
        dataset=TEXT,
        best_epoch=maybe(WHOLE),
        epochs_trained=WHOLE,
        trained_on=maybe(TEXT),
        tested_on=maybe(TEXT),
        final_of=maybe(record({"run": TEXT, "epochs": WHOLE})),
        start_from=maybe(TEXT),
        valid=_METRICS,
        further_test=_METRICS,
        baselines=_TABLE,
        valid_metric_bigger=FLAG,
        smaller_metrics=maybe(list_of(TEXT)),
        protocol=maybe(_PROTOCOL),
        warnings=maybe(list_of(TEXT)),
        criteria=maybe(list_of(_VERDICT)),
        tier=maybe(TEXT),
        ended_by=maybe(TEXT),
        ratings=maybe(_RATINGS),
        audit=maybe(record(findings=maybe(list_of(record({"name": TEXT, "text": TEXT}))))),
        clicks=maybe(record(reliability=maybe(_RELIABILITY))),
        test_intervals=maybe(map_of(map_of(pair_of(maybe(NUMBER))))),
        standard_errors_from_best=maybe(NUMBER),
        forgetting=maybe(_FORGETTING),
        unread_settings=maybe(list_of(TEXT)),
        diverged=maybe(FLAG),
        **dict.fromkeys(
            (
                *("users", "items", "parameters", "batch_halvings", "rollbacks"),
                *("peak_memory_mb", "peak_gpu_memory_mb"),
                *("fit_seconds", "total_seconds", "cost", "price_per_hour"),
            ),
            maybe(NUMBER),
        ),
    ),
    _AGAIN,
)
"""`result.json`."""
_PAIR = pair_of(NUMBER)
_GROUP = record({"name": TEXT, "rows": WHOLE}, users=maybe(NUMBER), value=maybe(NUMBER), interval=maybe(_PAIR))
_CLASS = record({"name": TEXT, **dict.fromkeys(("items", "recommended", "tested", "trained"), NUMBER)})
_STAR = record({"rows": WHOLE, **dict.fromkeys(("true", "mean", "q10", "q25", "q50", "q75", "q90"), NUMBER)})
_EXAMPLE = record(
    {"user": TEXT, "history": list_of(TEXT), "history_length": WHOLE},
    list=list_of(record({"item": TEXT, "target": FLAG})),
    missed=list_of(record({"item": TEXT, "place": WHOLE})),
    predicted=list_of(record({"item": TEXT, "true": NUMBER, "predicted": NUMBER})),
    targets=WHOLE,
    rows=WHOLE,
    titles=map_of(TEXT),
)
ANALYSIS = FileKind(
    record(
        hits=record({"lists": WHOLE, "within": list_of(WHOLE)}),
        recommended=record(
            {"k": WHOLE, "items": WHOLE, "items_listed": WHOLE, "mean_popularity": NUMBER, "classes": list_of(_CLASS)},
            concentration=map_of(list_of(_PAIR)),
        ),
        groups=record(metric=TEXT, history=list_of(_GROUP), popularity=list_of(_GROUP), time=list_of(_GROUP)),
        stars=list_of(_STAR),
        errors=record({"edges": list_of(NUMBER), "rows": list_of(WHOLE)}, mean=NUMBER),
        calibration=_RELIABILITY,
        examples=list_of(_EXAMPLE),
    ),
    "remove the file: it holds pictures of the run's page alone",
)
"""`analysis.json`: of the one evaluation of the test, for pages. Lists of ranked items: `hits` (lists with a target
within the first k), `recommended`; predicted ratings: `stars`, `errors`; probabilities: `calibration`; of all
`groups` of tested rows, and `examples`, a few users."""
ENVIRONMENT = FileKind(
    record(
        packages=map_of(maybe(TEXT)),
        commit=maybe(TEXT),
        system=TEXT,
        processor=TEXT,
        device=TEXT,
        cpu_cores=maybe(NUMBER),
        physical_cores=maybe(NUMBER),
        memory_gb=maybe(NUMBER),
        gpu=maybe(TEXT),
        gpu_memory_gb=maybe(NUMBER),
    ),
    _AGAIN,
)
"""`environment.json`."""
IMPORTED = FileKind(
    record({"state": TEXT, "reported": map_of(NUMBER)}, name=TEXT, protocol=TEXT, file=TEXT),
    "import the table of runs again",
)
"""`imported.json` of a run that was read from a table."""
MARKS = FileKind(
    record({"format": WHOLE, "tags": list_of(TEXT), "note": TEXT}),
    "remove the file: it holds the run's tags and note alone",
)
"""`marks.json`."""
DATA = FileKind(
    record(
        {"format": WHOLE, "sha256": map_of(TEXT), "tables": map_of(record({"rows": WHOLE, "sha256": TEXT}))},
        stored=maybe(TEXT),
    ),
    "restore the file from a copy; without it the data of the run cannot be verified",
)
"""`data.json`."""
SETTINGS = FileKind(
    record(
        model=TEXT,
        dataset=TEXT,
        valid_metric=TEXT,
        TIME_FIELD=maybe(TEXT),
        load_col=maybe(OBJECT),
        unused_col=maybe(OBJECT),
        stages=maybe(list_of(OBJECT)),
        seeds=maybe(either(WHOLE, LIST, TEXT)),
        epochs=maybe(WHOLE),
        criteria=ANYTHING,
        seed=maybe(NUMBER),
        **dict.fromkeys(
            (
                *("warmup_steps", "learning_rate", "dropout_prob", "kl_weight", "latent_size"),
                *("overweight_factor", "recency_half_life_days"),
            ),
            maybe(NUMBER),
        ),
    ),
    _AGAIN,
)
"""`config.yaml`: what reports read of it; building a model checks every key."""
EPOCHS = FileKind(ANYTHING, "restore the file from a copy; a run that is continued writes it again")
"""`metrics.csv`."""
EVENTS = FileKind(record({"event": TEXT}, time=TEXT), "remove the file: nothing but reports of the run reads it")
"""A line of `events.jsonl`."""
