"""A dict that knows its keys in order: tables and containers are read by range, as the service reads them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Ordered(dict[K, V]):
    """Items are set and deleted one by one."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Any] = []

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self:
            insort(self._keys, key)
        super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        super().__delitem__(key)
        del self._keys[bisect_left(self._keys, key)]

    def __reduce__(self) -> tuple[Callable[[], Ordered[K, V]], tuple[()], None, None, Iterator[tuple[K, V]]]:
        """Copied item by item."""
        return Ordered, (), None, None, iter(self.items())

    def ordered(self) -> list[K]:
        """All keys. Not to be changed."""
        return self._keys

    def between(self, low: K, high: K) -> list[K]:
        """Keys from `low` on, below `high`."""
        return self._keys[bisect_left(self._keys, low) : bisect_left(self._keys, high)]

    def since(self, low: K) -> Iterator[K]:
        """Keys from `low` on."""
        keys = self._keys
        return (keys[at] for at in range(bisect_left(keys, low), len(keys)))
