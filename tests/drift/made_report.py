"""A made `drift.json` of model drift: six windows of sixty days, a model that loses a tenth in each."""

import math
from datetime import datetime, timedelta, timezone
from typing import Any

START = datetime(2001, 1, 1, tzinfo=timezone.utc)
DAYS = 60


def iso(days: float) -> str:
    return f"{START + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def entry(value: float, reach: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - reach, "high": value + reach}


def made_report(n_windows: int = 6, retrained: bool = True, name: str = "a-run<b>", data: Any = None) -> dict[str, Any]:
    metrics = ("hit@10", "ndcg@10", "mrr@10")
    best = {"hit@10": 0.25, "ndcg@10": 0.14, "mrr@10": 0.1}
    windows = []
    for place in range(n_windows):
        left = 0.9**place
        windows.append(
            {
                "start": iso(DAYS * place),
                "end": iso(DAYS * (place + 1)),
                "rows": 12_000 - 1500 * place,
                "users": 800 - 90 * place,
                "evaluated": 11_000 - 1500 * place,
                "new_user_rows": 4000 - 500 * place,
                "new_item_rows": 10 * place,
                "state": "INSUFFICIENT_DATA" if place == n_windows - 1 else "DRIFT" if left < 0.8 else "OK",
                "verdicts": {
                    name: {"state": "OK", "lost": 1 - left / 1.02, "harder": -0.05, "excess": 0.0} for name in metrics
                },
                "metrics": {name: entry(best[name] * left, 0.01 + 0.003 * place) for name in metrics},
                "groups": {
                    group: {
                        "rows": 5000,
                        "users": 300,
                        "metrics": {name: best[name] * left * by for name in metrics},
                        "intervals": {
                            "ndcg@10": [best["ndcg@10"] * left * by - 0.01, best["ndcg@10"] * left * by + 0.01]
                        },
                    }
                    for group, by in (("known_users", 1.1), ("new_users", 0.8))
                },
                "baselines": {
                    "popularity": {
                        "frozen": {name: best[name] * 0.2 * left for name in metrics},
                        "refitted": {name: best[name] * 0.25 for name in metrics},
                        "difference": {name: entry(best[name] * (left - 0.25)) for name in metrics},
                    }
                },
                "retrained": {name: entry(best[name] * 0.97) for name in metrics} if retrained else None,
                "fine_tuned": None,
            }
        )
    rate = -math.log(0.9) / DAYS
    fitted = {"half_life_days": 395.0, "low": 300.0, "high": 610.0, "reason": "", "extrapolates": True}
    refused = {"half_life_days": None, "low": None, "high": None, "extrapolates": False, "fit": {}}
    refused["reason"] = "the data show neither decay nor growth: 95 % interval of the rate -0.001 to 0.002 per day"
    points = [[DAYS * (place + 0.5), 0.1, 0.09, 0.11] for place in range(n_windows)]
    fit = {"start": best["ndcg@10"] / 0.9**0.5, "rate": rate}
    return {
        "version": 1,
        "kind": "model",
        "run": {"name": name, "model": "SS4Rec", "dataset": "ml-1m-cut", "past_end": iso(0)},
        "future": {
            "file": "data/ml-1m-cut.test.inter",
            "sha256": {},
            "rows": 50_000,
            "start": iso(0),
            "end": iso(360),
        },
        "metric": "ndcg@10",
        "own_test": {name: entry(best[name] * 1.02) for name in metrics},
        "windows": windows,
        "decay": {name: {**refused, "points": points} for name in metrics}
        | {"ndcg@10": {**fitted, "points": points, "fit": fit}},
        "own_split": "test",
        "verdict": {
            "state": "DRIFT",
            "metric": "ndcg@10",
            "metrics": {},
            "summary": [
                "ndcg@10 drifted in 2 of 5 windows, first in that of 2001-06-30.",
                "1 of 6 windows has too few.",
            ],
        },
        "recommendation": {
            "retrain": True,
            "how": "retrained",
            "gain": entry(0.02, 0.004),
            "cost": 0.005,
            "reason": "retrained, ndcg@10 is better by +0.02 (+0.016 to +0.024), more than the cost of 0.005",
        },
        "thresholds": {},
        "data": data,
    }
