"""The model card of a run: facts for users of the weights."""

import re
from collections.abc import Mapping
from typing import Any

from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.diagnosis.finding import Finding
from recbole_ext.pipeline.summary import chosen_by
from recbole_ext.redact import redact, redact_command, redact_text
from recbole_ext.report.front_matter import front_matter
from recbole_ext.report.markdown import Markdown, code
from recbole_ext.report.record import Record
from recbole_ext.report.rendering import markdown
from recbole_ext.tasks.registered import task_of_run
from recbole_ext.training.stage_list import recorded_epochs

_TRAINING = ("learner", "learning_rate", "lr_schedule", "train_batch_size", "weight_decay", "averaging", "precision")


def model_card(record: Record, found: list[Finding]) -> str:
    """The card as Markdown.

    Args:
        record: of the run.
        found: the findings of its diagnosis.
    """
    result, config = record.result, redact(record.config)
    task = task_of_run(result, str(config.get("model")))
    test, parameters = result.get("test") or {}, result.get("parameters")
    rows = {result.get("model"): test, **(result.get("baselines") or {})} if test else {}
    return markdown(
        "model_card.md",
        head=front_matter(config.get("model"), config.get("dataset"), task.title, test, record.folder.resolve().name),
        model=config.get("model"),
        dataset=config.get("dataset"),
        finished=bool(result),
        untested=f"None: {ALL_ROWS}." if trained_on_all(result) else "None: there is no test result.",
        facts={
            "Model": config.get("model"),
            "Trainable parameters": f"{parameters:,}" if isinstance(parameters, int) else "not recorded",
            "Weights": Markdown("`checkpoint/best.json` (safetensors and JSON)"),
            "Run": record.folder.resolve().name,
            "Seed": config.get("seed"),
            **{name.capitalize(): f"{result[name]:,}" for name in ("users", "items") if result.get(name) is not None},
        },
        use=task.use,
        limits=task.limits,
        found=[redact_text(one.text) for one in found],
        protocol=_protocol(result),
        metrics=list(test),
        rows=[(name, [_metric(of.get(metric)) for metric in test]) for name, of in rows.items()],
        training=_training(record),
        command=code(redact_command(record.command)),
    )


def _protocol(result: Mapping[str, Any]) -> dict[str, Any]:
    protocol = dict(result.get("protocol") or {})
    hashes = protocol.pop("data_sha256", {})
    protocol.pop("packages", None)
    facts = {name.replace("_", " "): _without_braces(value) for name, value in protocol.items() if value}
    return facts | {f"sha256 of {name}": value for name, value in hashes.items()}


def _without_braces(value: Any) -> str:
    """A value for people, who write no quotes and braces around settings."""
    return re.sub(r"[{}']", "", str(value))


def _metric(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else "-"


def _training(record: Record) -> dict[str, Any]:
    result, machine = record.result, record.environment
    facts: dict[str, Any] = {name.replace("_", " "): record.config[name] for name in _TRAINING if name in record.config}
    facts["epochs"] = f"{len(record.rows)} of at most {recorded_epochs(record.config)}"
    if result:
        facts["train batch size"] = result.get("train_batch_size") or facts.get("train batch size")
        facts["epoch of the weights"] = f"{result.get('best_epoch')}, {chosen_by(result)}"
        facts["seconds"] = result.get("fit_seconds")
        facts["memory, MB at most"] = result.get("peak_memory_mb")
    cores = f"{machine.get('cpu_cores')} cores"
    of_machine = (machine.get("system"), machine.get("processor"), cores, machine.get("gpu") or machine.get("device"))
    facts["machine"] = ", ".join(str(each) for each in of_machine if each)
    facts["packages"] = ", ".join(f"{name} {version}" for name, version in (machine.get("packages") or {}).items())
    facts["source"] = f"commit {machine['commit']}" if machine.get("commit") else ""
    return {name: value for name, value in facts.items() if value not in ("", None)}
