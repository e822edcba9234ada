"""What `StoragePort` promises, on the twin and on Azurite."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.digest import RANGE, Manifest, digest_step, files_below, manifest_digest, unchanged
from shared.errors import Conflict, Invalid, NotFound, Refused
from shared.ports import Blob, ContainerPort, CopyState
from tests.contract.worlds import World


def stores(world: World) -> tuple[ContainerPort, ContainerPort]:
    """(where somebody writes, where only we write), in different accounts."""
    dev, qa = world.workspace("dev"), world.workspace("qa")
    theirs, ours = dev.default_datastore(), qa.datastore("greenlight_frozen")
    return (
        world.storage.container(theirs.account, theirs.container),
        world.storage.container(ours.account, ours.container),
    )


def test_lists_what_starts_with_a_prefix_sorted_with_sizes(world: World) -> None:
    source, _ = stores(world)
    root = world.name("listing")
    for path, data in (("b.bin", b"12345"), ("a/ü + %20 #.txt", b""), ("a/plain", b"x")):
        world.write("dev", f"{root}/{path}", data)

    found = source.list(f"{root}/")

    assert [(b.name.removeprefix(f"{root}/"), b.size) for b in found] == [
        ("a/plain", 1),
        ("a/ü + %20 #.txt", 0),
        ("b.bin", 5),
    ]
    assert all(b.etag and '"' not in b.etag and b.copy is CopyState.DONE for b in found)


def test_copies_between_accounts_and_never_overwrites(world: World) -> None:
    source, target = stores(world)
    root = world.name("copy")
    world.write("dev", f"{root}/ü + %20 #.txt", b"bytes")
    (blob,) = source.list(f"{root}/")

    assert target.copy_from(source, blob, f"{root}/x") in (CopyState.DONE, CopyState.PENDING)
    with pytest.raises(Conflict, match="exists"):
        target.copy_from(source, blob, f"{root}/x")

    (copied,) = world.until(
        lambda: [b for b in target.list(f"{root}/") if b.copy is CopyState.DONE], "the copy is done"
    )
    assert target.read(copied, 0, copied.size) == b"bytes"


def test_a_source_that_changed_since_it_was_listed_is_not_copied(world: World) -> None:
    source, target = stores(world)
    root = world.name("changed")
    world.write("dev", f"{root}/x", b"approved")
    (blob,) = source.list(f"{root}/")
    world.write("dev", f"{root}/x", b"tampered")

    with pytest.raises(Refused) as refused:
        target.copy_from(source, blob, f"{root}/x")

    assert refused.value.code == "SourceChanged"
    assert target.list(f"{root}/") == ()


def test_a_source_that_is_gone_cannot_be_copied(world: World) -> None:
    source, target = stores(world)

    with pytest.raises(NotFound):
        target.copy_from(source, Blob("never/was", "0x1", 1), world.name("gone"))


def test_reads_ranges_of_exactly_the_listed_blob(world: World) -> None:
    source, _ = stores(world)
    path = world.name("ranges")
    world.write("dev", path, b"0123456789")
    (blob,) = source.list(path)

    assert source.read(blob, 2, 3) == b"234"

    world.write("dev", path, b"9876543210")
    with pytest.raises(Conflict):
        source.read(blob, 2, 3)
    with pytest.raises(Conflict):
        source.read(Blob("never/was", "0x1", 3), 0, 3)


def test_json_is_inserted_once(world: World) -> None:
    _, target = stores(world)
    name = f"{world.name('evidence')}/report.json"

    assert target.put_json(name, {"accuracy": 0.8, "who": "Ünal"})
    with pytest.raises(Conflict):
        target.put_json(name, {})

    assert target.get_json(name) == {"accuracy": 0.8, "who": "Ünal"}
    assert target.get_json(f"{name}.not") is None


def test_a_blob_is_put_once_and_its_time_is_known(world: World) -> None:
    _, target = stores(world)
    name = f"{world.name('anchors')}/2026-01-05.jsonl"

    etag = target.put(name, b'{"a":1}\n', "application/jsonl")
    with pytest.raises(Conflict):
        target.put(name, b"another", "application/jsonl")

    (blob,) = target.list(name)
    assert (blob.etag, target.read(blob, 0, blob.size)) == (etag, b'{"a":1}\n')
    assert blob.modified.microsecond == 0
    assert abs(blob.modified - world.now()) < timedelta(minutes=1)


def test_folders_are_what_comes_before_the_next_slash(world: World) -> None:
    source, _ = stores(world)
    root = world.name("folders")
    for path in ("GREENLIGHT/2026/1/5/9/a.json", "GREENLIGHT/2026/11/5/9/b.json", "z/c.json", "file.json"):
        world.write("dev", f"{root}/{path}", b"[]")

    assert source.folders(f"{root}/") == (f"{root}/GREENLIGHT/", f"{root}/z/")
    assert source.folders(f"{root}/GREENLIGHT/2026/") == (
        f"{root}/GREENLIGHT/2026/1/",
        f"{root}/GREENLIGHT/2026/11/",
    )
    assert source.folders(f"{root}/nothing/") == ()


@pytest.mark.parametrize(
    ("account", "container"),
    [
        ("evil.example/", "c-c-c"),
        ("UPPER", "models"),
        ("ab", "models"),
        ("account", "../models"),
        ("account", "a--b"),
        ("account", "x"),
    ],
)
def test_names_that_cannot_be_azures_are_refused(world: World, account: str, container: str) -> None:
    with pytest.raises(Invalid):
        world.storage.container(account, container)


def test_a_copy_has_the_digest_of_its_source_whatever_the_steps(world: World) -> None:
    source, target = stores(world)
    root = world.name("model")
    world.write("dev", f"{root}/MLmodel", b"flavors: {}")
    world.write("dev", f"{root}/data/weights.bin", b"w" * (RANGE + 7))
    for relative, blob in files_below(source, root):
        target.copy_from(source, blob, f"{root}/attempt/{relative}")
    copied = f"{root}/attempt"
    world.until(lambda: all(b.copy is CopyState.DONE for b in target.list(copied)), "the copies are done")

    whole = digest_step(source, root, Manifest(), budget=10 * RANGE)
    piecemeal = Manifest()
    steps = 0
    while not piecemeal.complete:
        piecemeal = Manifest.from_json(digest_step(target, copied, piecemeal, budget=1).to_json())
        steps += 1

    assert steps == 3
    assert manifest_digest(whole) == manifest_digest(piecemeal)
    assert unchanged(target, copied, piecemeal)
    world.write("dev", f"{root}/extra", b"")
    assert not unchanged(source, root, whole)
