"""No filter compares more than the table service allows: a crowded slot is read in several requests."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from shared.store import MOST_COMPARISONS, Range, filters

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def comparisons(text: str) -> int:
    return len(re.findall(r" (?:eq|lt|le|gt|ge) ", text))


def test_what_is_asked_for_usually_is_one_filter() -> None:
    assert filters("m@dev", ["slot"], [Range("p~1", "q")], None) == [
        "PartitionKey eq 'm@dev' and (RowKey eq 'slot' or (RowKey ge 'p~1' and RowKey lt 'q'))"
    ]
    assert filters("open", [], [], ("due", NOW)) == [
        "PartitionKey eq 'open' and due le datetime'2026-01-05T00:00:00.000000Z'"
    ]


def test_many_keys_and_ranges_are_divided_and_none_is_left_out() -> None:
    keys = [f"in~{number:03d}" for number in range(40)]
    ranges = [Range(f"p~{number:03d}", f"p~{number + 1:03d}") for number in range(40)]

    found = filters("m@dev", keys, ranges, ("due", NOW))

    assert max(comparisons(text) for text in found) <= MOST_COMPARISONS
    assert all(text.startswith("PartitionKey eq 'm@dev' and due le ") for text in found)
    assert sum(text.count("RowKey eq ") for text in found) == len(keys)
    for span in ranges:
        assert sum(f"(RowKey ge '{span.low}' and RowKey lt '{span.high}')" in text for text in found) == 1
