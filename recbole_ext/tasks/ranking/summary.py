"""Lines under the results of a ranking model: removed candidates, and the training data of stages."""

from collections.abc import Mapping
from typing import Any

from recbole_ext.evaluation.candidates import candidate_warnings


def ranking_lines(result: Mapping[str, Any]) -> list[str]:
    """The lines of a `result.json`; [] where there is nothing to report."""
    return _candidate_lines(result) + _stage_lines(result)


def _candidate_lines(result: Mapping[str, Any]) -> list[str]:
    """That targets of the test split were taken out, or that lists are short."""
    counts = result.get("candidates", {}).get("test")
    if not counts:
        return []
    largest_k = max((int(name.rpartition("@")[2]) for name in result["test"] if "@" in name), default=1)
    return [f"WARNING     {text}" for text in candidate_warnings(counts, "test", largest_k)]


def _stage_lines(result: Mapping[str, Any]) -> list[str]:
    """What each stage trained on, and what the last one forgot."""
    stages, forgetting = result.get("stages", []), result.get("forgetting")
    parts = [f"the newest {100 * s['share']:g} %" if s["share"] < 1 else "everything" for s in stages]
    shown = [f"from epoch {stage['first_epoch']} on {part}" for stage, part in zip(stages, parts, strict=True)]
    lines = [f"stages      {', '.join(shown)}"] if shown else []
    if forgetting:
        lines.append(
            f"old window  {forgetting['metric']} {forgetting['before']:.4f} before the last stage, "
            f"{forgetting['after']:.4f} after, on {forgetting['rows']:,} training targets"
        )
    return lines
