"""The YAML at the head of a model card, with the fields that the Hugging Face hub reads of a card.

The fields are those of hub-docs, modelcard.md: `library_name`, `tags`, `metrics` and `model-index`. `license` and
`datasets` are left out: a run knows neither the licence of its weights nor the id of its data on the hub.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from recbole_ext.report.markdown import Markdown

_NOT_PLAIN = re.compile(r"[^\w.@+ -]+")
"""Neither YAML nor a viewer that shows the head as text finds a meaning in what is left."""


def front_matter(model: Any, dataset: Any, task: str, test: Mapping[str, Any], run: str) -> Markdown:
    """The head of a card, between its lines of hyphens.

    Args:
        model, dataset: their names.
        task: title of the run's task.
        test: metric -> value; those that are no finite numbers are left out.
        run: name of its directory.
    """
    of_data, of_model = _plain(dataset), _plain(model)
    values = {_plain(name): value for name, value in test.items() if _is_finite(value)}
    result = {
        "task": {"type": task.lower().replace(" ", "-"), "name": task},
        "dataset": {"type": of_data.replace(" ", "-"), "name": of_data, "split": "test"},
        "metrics": [{"type": name, "value": value, "name": name} for name, value in values.items()],
    }
    head = {
        "library_name": "recbole-ext",
        "tags": ["recommendation", "recbole", of_model],
        "metrics": list(values),
        "model-index": [{"name": _plain(run), "results": [result] if values else []}],
    }
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=10**6)
    return Markdown(f"---\n{text}---")


def _plain(name: Any) -> str:
    return " ".join(_NOT_PLAIN.sub("-", str(name)).split()).strip("- ") or "unnamed"


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
