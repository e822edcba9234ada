"""What exactly a model's files are: a manifest of SHA-256 digests, built in resumable steps.

Each byte is read once, in ranges of RANGE bytes; every finished range is kept in the manifest, so a step can
stop anywhere. A blob whose ETag changed starts anew. The digest of a manifest depends on paths, sizes and
bytes alone: a copy under another prefix, with other ETags, has the same one. Content-MD5 is not consulted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from shared.errors import Invalid, NotFound, Refused
from shared.model_uri import checked_path
from shared.ports import Blob, ContainerPort, CopyState

RANGE = 16 * 1024 * 1024  # part of the digest's definition: changing it changes digests of larger files
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One file; `path` is relative to the model's folder. `ranges` has the digests read so far, in order."""

    path: str
    size: int
    etag: str
    ranges: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return len(self.ranges) == -(-self.size // RANGE)

    @property
    def sha256(self) -> str | None:
        """Up to RANGE bytes: the file's own SHA-256. Larger: SHA-256 over the ranges' digests in order."""
        if not self.complete:
            return None
        if len(self.ranges) == 1:
            return self.ranges[0]
        return hashlib.sha256(b"".join(bytes.fromhex(part) for part in self.ranges)).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """Files sorted by path."""

    entries: tuple[Entry, ...] = ()

    @property
    def complete(self) -> bool:
        return bool(self.entries) and all(entry.complete for entry in self.entries)

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)

    @property
    def bytes_read(self) -> int:
        return sum(min(len(entry.ranges) * RANGE, entry.size) for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        files = [
            {"path": e.path, "size": e.size, "etag": e.etag, "ranges": list(e.ranges)} for e in self.entries
        ]
        return {"version": _VERSION, "range": RANGE, "files": files}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Manifest:
        """Raises Invalid for a manifest of another version or range: it says nothing comparable."""
        if data.get("version") != _VERSION or data.get("range") != RANGE:
            raise Invalid(f"manifest of version {data.get('version')}: this program reads version {_VERSION}")
        files = cast("list[dict[str, Any]]", data["files"])
        return Manifest(tuple(Entry(f["path"], f["size"], f["etag"], tuple(f["ranges"])) for f in files))


def files_below(store: ContainerPort, path: str) -> tuple[tuple[str, Blob], ...]:
    """(relative path, blob) of a folder's files, or of the one file that `path` is, sorted by relative path.
    An empty path is the whole container.

    Raises NotFound when nothing is there, Invalid for a file name that must not be copied on.
    """
    root = checked_path(path) if path else ""
    below = f"{root}/" if root else ""
    found = [(blob.name[len(below) :], blob) for blob in store.list(below)]
    if not found and root:
        found = [(root.rpartition("/")[2], blob) for blob in store.list(root) if blob.name == root]
    if not found:
        raise NotFound(f"no files at {root} in {store.account}/{store.container}")
    for relative, _ in found:
        if checked_path(relative) != relative:
            raise Invalid(f"file {relative[:200]!r} below {root}: not a legal name")
    return tuple(sorted(found))


def digest_step(
    store: ContainerPort, path: str, known: Manifest, *, budget: int, more: Callable[[], bool] = lambda: True
) -> Manifest:
    """List, keep what `known` has for unchanged blobs, read on until `budget` bytes or `more()` says stop.

    At least one range is read if any is missing, so every step makes progress. Blobs still being copied are
    left for a later step; a failed copy is Refused(code="CopyFailed").
    """
    before = {entry.path: entry for entry in known.entries}
    entries: list[Entry] = []
    left, may_read = budget, True
    for relative, blob in files_below(store, path):
        if blob.copy is CopyState.FAILED:
            raise Refused(f"the copy of {relative} failed", code="CopyFailed")
        entry = Entry(relative, blob.size, blob.etag)
        old = before.get(relative)
        if old is not None and (old.size, old.etag) == (entry.size, entry.etag):
            entry = old
        while blob.copy is CopyState.DONE and not entry.complete and may_read:
            entry = _read_on(store, blob, entry)
            left -= RANGE
            may_read = left > 0 and more()
        entries.append(entry)
    return Manifest(tuple(entries))


def manifest_digest(manifest: Manifest) -> str:
    """SHA-256 over (path, size, digest) of every file. Raises Invalid while some file is not read."""
    lines: list[str] = []
    for entry in manifest.entries:
        if entry.sha256 is None:
            raise Invalid(f"{entry.path} is not digested yet")
        lines.append(json.dumps([entry.path, entry.size, entry.sha256], ensure_ascii=True))
    if not lines:
        raise Invalid("an empty manifest has no digest")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def unchanged(store: ContainerPort, path: str, manifest: Manifest) -> bool:
    """Are these still the digested files? Compares names, sizes and ETags: no bytes are read."""
    try:
        now = [(relative, b.size, b.etag) for relative, b in files_below(store, path)]
    except NotFound:
        return False
    return now == [(e.path, e.size, e.etag) for e in manifest.entries]


def _read_on(store: ContainerPort, blob: Blob, entry: Entry) -> Entry:
    start = len(entry.ranges) * RANGE
    part = store.read(blob, start, min(RANGE, blob.size - start))
    return replace(entry, ranges=(*entry.ranges, hashlib.sha256(part).hexdigest()))
