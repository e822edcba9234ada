"""Manifests in the evidence container: what was digested so far, so that a step can stop anywhere."""

from __future__ import annotations

import contextlib

from shared.digest import Manifest
from shared.errors import Conflict
from shared.ports import ContainerPort

SOURCE, FROZEN = "source", "frozen"


def known_manifest(evidence: ContainerPort, promotion: str, which: str) -> Manifest:
    """The furthest manifest that was kept; an empty one when none was."""
    kept = evidence.list(f"{promotion}/{which}.")
    data = evidence.get_json(kept[-1].name) if kept else None
    return Manifest.from_json(data) if data else Manifest()


def keep_manifest(evidence: ContainerPort, promotion: str, which: str, manifest: Manifest) -> None:
    """Blobs are written once: a step that read further writes the next one, named by the bytes read."""
    name = f"{promotion}/{which}.{manifest.bytes_read:015d}.json"
    with contextlib.suppress(Conflict):  # the same step, repeated after a crash
        evidence.put_json(name, manifest.to_json())
