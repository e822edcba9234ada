"""Table storage: rows, key ranges, and one kind of commit. The only code that knows ETags.

A commit is one entity-group transaction on one partition: all of it or nothing (at most 100 rows). Losing
against another writer is `Conflict`: reload and decide again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from shared.errors import Busy, Conflict, Forbidden, GreenlightError, Refused, Unavailable, Unknown

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableClient, TableServiceClient

Value = str | int | float | bool | datetime
MOST_COMPARISONS = 15
"""In one filter of the service. Nothing but the service counts them."""
TABLES = ("slots", "open", "endpoints", "sources", "deadletters")


@dataclass(frozen=True)
class Row:
    """One row as read. `etag` is opaque."""

    key: str
    values: Mapping[str, Value]
    etag: str = ""


@dataclass(frozen=True)
class Insert:
    """The row must not exist yet."""

    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Replace:
    """The row must still have this ETag; columns not named are gone afterwards."""

    key: str
    values: Mapping[str, Value]
    etag: str


@dataclass(frozen=True)
class Put:
    """Insert or replace, whatever is there."""

    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Merge:
    """Insert, or change only the named columns, whatever is there."""

    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Delete:
    """The row must still have this ETag."""

    key: str
    etag: str


Write = Insert | Replace | Put | Merge | Delete


@dataclass(frozen=True)
class Range:
    """Row keys from `low` up to, not including, `high`."""

    low: str
    high: str


class TablePort(Protocol):
    """One table."""

    def get(self, partition: str, key: str) -> Row | None: ...

    def query(
        self,
        partition: str,
        *,
        keys: Sequence[str] = (),
        ranges: Sequence[Range] = (),
        by: tuple[str, datetime] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Rows with one of `keys` or inside one of `ranges` (neither: all), by key.

        `by`: only rows whose time column has come: (column, now).
        """
        ...

    def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        """All or nothing. Returns the new ETag by row key. Raises Conflict when a condition does not hold."""
        ...


class StorePort(Protocol):
    """The tables of the product."""

    def table(self, name: str) -> TablePort: ...


class AzureStore:
    """StorePort on Azure Table storage (or Azurite), by identity."""

    def __init__(self, endpoint: str, credential: TokenCredential, *, deadline: float = 20.0) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._deadline = deadline
        self._service: TableServiceClient | None = None
        self._tables: dict[str, AzureTable] = {}

    def table(self, name: str) -> AzureTable:
        if name not in self._tables:
            self._tables[name] = AzureTable(self._client().get_table_client(name))
        return self._tables[name]

    def _client(self) -> TableServiceClient:
        if self._service is None:
            from azure.data.tables import TableServiceClient

            self._service = TableServiceClient(
                self._endpoint,
                credential=self._credential,
                retry_total=3,
                retry_backoff_factor=0.2,
                connection_timeout=self._deadline / 2,
                read_timeout=self._deadline,
            )
        return self._service


class AzureTable:
    """TablePort on one table."""

    def __init__(self, client: TableClient) -> None:
        self._client: Any = client  # the SDK's own annotations are partly unknown

    def get(self, partition: str, key: str) -> Row | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return _row(self._client.get_entity(partition, key))
        except ResourceNotFoundError:
            return None
        except Exception as error:
            raise translated(error, f"read {partition} {key}") from error

    def query(
        self,
        partition: str,
        *,
        keys: Sequence[str] = (),
        ranges: Sequence[Range] = (),
        by: tuple[str, datetime] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        first, *more = filters(partition, keys, ranges, by)
        if not more:
            yield from self._filtered(partition, first, limit)
            return
        found = {row.key: row for text in (first, *more) for row in self._filtered(partition, text, limit)}
        yield from [found[key] for key in sorted(found)][:limit]

    def _filtered(self, partition: str, text: str, limit: int | None) -> Iterator[Row]:
        # A page may be empty and still carry a token; the SDK's iterator follows it.
        page = 1000 if limit is None else min(limit, 1000)
        try:
            for count, entity in enumerate(self._client.query_entities(text, results_per_page=page)):
                if limit is not None and count >= limit:
                    return
                yield _row(entity)
        except GreenlightError:
            raise
        except Exception as error:
            raise translated(error, f"query {partition}") from error

    def commit(self, partition: str, writes: Sequence[Write]) -> dict[str, str]:
        if not writes or len({w.key for w in writes}) != len(writes) or len(writes) > 100:
            raise AssertionError(
                f"a commit needs 1 to 100 different rows, not {[w.key for w in writes][:5]}…"
            )
        try:
            answers = self._client.submit_transaction(_operation(partition, write) for write in writes)
        except Exception as error:
            raise translated(error, f"commit {partition} {writes[0].key}…") from error
        return {write.key: str(answer.get("etag", "")) for write, answer in zip(writes, answers, strict=True)}


def _operation(partition: str, write: Write) -> tuple[Any, ...]:
    from azure.core import MatchConditions
    from azure.data.tables import UpdateMode

    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": write.key}
    match write:
        case Insert():
            return ("create", entity | dict(write.values))
        case Put():
            return ("upsert", entity | dict(write.values), {"mode": UpdateMode.REPLACE})
        case Merge():
            return ("upsert", entity | dict(write.values), {"mode": UpdateMode.MERGE})
        case Replace():
            how = {
                "mode": UpdateMode.REPLACE,
                "etag": write.etag,
                "match_condition": MatchConditions.IfNotModified,
            }
            return ("update", entity | dict(write.values), how)
        case Delete():
            return ("delete", entity, {"etag": write.etag, "match_condition": MatchConditions.IfNotModified})


def _row(entity: Any) -> Row:
    values = {k: v for k, v in entity.items() if k not in ("PartitionKey", "RowKey", "Timestamp")}
    return Row(entity["RowKey"], values, entity.metadata["etag"])


def filters(
    partition: str, keys: Iterable[str], ranges: Iterable[Range], by: tuple[str, datetime] | None
) -> list[str]:
    """One filter, or several where one would compare more than the service allows."""
    parts = [(1, f"RowKey eq {_quoted(key)}") for key in keys]
    parts += [(2, f"(RowKey ge {_quoted(r.low)} and RowKey lt {_quoted(r.high)})") for r in ranges]
    where, most = f"PartitionKey eq {_quoted(partition)}", MOST_COMPARISONS - 1
    if by is not None:
        moment = by[1].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        where, most = f"{where} and {by[0]} le datetime'{moment}'", most - 1
    groups, room = [list[str]()], most
    for comparisons, part in parts:
        if comparisons > room:
            groups.append([])
            room = most
        groups[-1].append(part)
        room -= comparisons
    return [f"{where} and ({' or '.join(group)})" if group else where for group in groups]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def translated(error: Exception, what: str) -> GreenlightError:
    """One of our errors for one of azure-core's (tables and queues alike). Others are raised as they are."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    if isinstance(error, HttpResponseError):
        status = error.status_code or 0
        message = f"{what}: {status} {error.reason or ''}".strip()
        if status in (404, 409, 412):
            return Conflict(message)
        if status in (401, 403):
            return Forbidden(f"{message}: does the identity have the storage data role?")
        if status == 429:
            return Busy(message)
        return Unavailable(message) if status >= 500 or not status else Refused(message)
    if isinstance(error, ServiceRequestError):
        return Unavailable(f"{what}: {error.message}")
    if isinstance(error, ServiceResponseError):
        return Unknown(f"{what}: no answer: {error.message}")
    raise error
