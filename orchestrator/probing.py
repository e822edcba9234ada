"""What a candidate answered -> is it good? Pure.

Azure ML answers 424 when the model's container answered anything but 200, and names the container's status
in a header (reference: online endpoint troubleshooting). 404 and 503 right after creation mean "not yet".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NOT_YET = (404, 408, 429, 502, 503, 504)
MODEL_STATUS = "ms-azureml-model-error-statuscode"


@dataclass(frozen=True)
class Judged:
    """`retry`: says nothing about the model; ask again."""

    ok: bool
    retry: bool
    sentence: str


def judge(status: int, body: bytes, headers: Mapping[str, str]) -> Judged:
    """One answer to the sample request."""
    if status in NOT_YET:
        return Judged(False, True, f"answered {status}: not reachable yet")
    if status != 200:
        inner = headers.get(MODEL_STATUS, "")
        return Judged(False, False, f"answered {status}" + (f" (the model said {inner})" if inner else ""))
    try:
        answer = json.loads(body)
    except ValueError:
        return Judged(False, False, "answered 200 with something that is not JSON")
    if answer in (None, [], {}, ""):
        return Judged(False, False, "answered 200 with nothing in it")
    return Judged(True, False, "answered 200")


def p95(times: Sequence[int]) -> int:
    """The smallest time that 95 of 100 answers do not exceed (nearest rank)."""
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]


def too_slow(times: Sequence[int], budget: float | None) -> str:
    """Why these times, in milliseconds, are over the budget; empty: they are not."""
    if budget is None or p95(times) <= budget:
        return ""
    return f"took {p95(times)} ms for 95 of 100 answers, at most {budget:g} ms are allowed"
