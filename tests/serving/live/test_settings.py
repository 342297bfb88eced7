"""Settings of an engine are checked before anything is computed."""

from dataclasses import fields
from typing import Any

import pytest

from recbole_ext.errors import UsageError
from recbole_ext.serving.live import settings
from recbole_ext.serving.live.settings import EngineSettings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"state_memory_gb": "2GB"}, r"state_memory_gb must be positive \(got '2GB'\)"),
        ({"state_memory_gb": None}, r"state_memory_gb must be positive \(got None\)"),
        ({"state_memory_gb": float("inf")}, r"state_memory_gb must be finite \(got inf\)"),
        ({"state_memory_gb": float("nan")}, r"state_memory_gb must be positive"),
        ({"recent_events": 1.5}, r"recent_events must be an integer of at least 1 \(got 1.5\)"),
        ({"recent_events": True}, r"recent_events must be an integer"),
        ({"warm": "no"}, r"warm must be True or False \(got 'no'\)"),
        ({"index": ["int8"]}, r"index must be one of"),
        ({"histroy": "whole"}, r"no setting 'histroy'; did you mean 'history'"),
        ({1: 2}, r"an engine has no setting 1"),
    ],
)
def test_what_is_no_setting(given: dict[Any, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EngineSettings.read(given)


def test_every_setting_is_checked_and_its_default_allowed() -> None:
    assert list(settings._KINDS) == [field.name for field in fields(EngineSettings)]
    assert EngineSettings.read(vars(EngineSettings())) == EngineSettings()
