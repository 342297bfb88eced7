from typing import Any

import pytest
import yaml

from recbole_ext.report.front_matter import front_matter


@pytest.mark.parametrize(
    "name",
    ["ml-100k", "a: b\n---\n# x", "<img src=x>", "[x](javascript:1)", "'\"|>&*!%@`", "café", "  ", "null", "1e5", None],
)
@pytest.mark.parametrize("task", ["Item recommendation", "Rating prediction"])
def test_the_head_is_yaml_whatever_the_names_are(name: Any, task: str) -> None:
    text = front_matter(name, name, task, {"ndcg@10": 0.5, "auc": float("nan")}, "run-1")
    start, body, end = text.split("---\n")[0], text.removeprefix("---\n").removesuffix("---"), text[-4:]
    assert (start, end) == ("", "\n---") and "\n---" not in body
    head = yaml.safe_load(body)
    assert head["library_name"] == "recbole-ext" and head["metrics"] == ["ndcg@10"]
    (entry,) = head["model-index"]
    (result,) = entry["results"]
    assert result["metrics"] == [{"type": "ndcg@10", "value": 0.5, "name": "ndcg@10"}]
    assert result["task"] == {"type": task.lower().replace(" ", "-"), "name": task}
    assert result["dataset"].keys() == {"type", "name", "split"}
    assert all(isinstance(value, str) for value in (*head["tags"], *result["dataset"].values()))
    assert not set("<>[]()`") & set(str(result["dataset"]["name"]))


def test_a_run_without_a_result_has_no_results() -> None:
    text = front_matter("A", "b", "Item recommendation", {}, "run")
    head = yaml.safe_load(text.removeprefix("---\n").removesuffix("---"))
    assert (head["model-index"], head["metrics"]) == ([{"name": "run", "results": []}], [])
