"""The contract of a small model of churn, as its file says it: what the tests of contracts and of data start from."""

from collections.abc import Mapping
from typing import Any

CHURN: Mapping[str, Any] = {
    "task": "classification",
    "target": "left",
    "id": ["customer"],
    "event_time": "seen_at",
    "holdout_days": 0,
    "columns": {
        "customer": {"type": "string"},
        "seen_at": {"type": "timestamp"},
        "plan": {"type": "category", "values": ["basic", "pro"]},
        "months": {"type": "integer", "min": 0, "max": 600},
        "spend": {"type": "float", "nullable": True, "min": 0},
        "left": {"type": "boolean"},
    },
    "metric": {"name": "roc_auc"},
}
