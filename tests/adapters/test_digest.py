"""Digests: what they depend on, and how a step ends."""

from __future__ import annotations

import hashlib

import pytest

from shared.digest import RANGE, Manifest, digest_step, manifest_digest, unchanged
from shared.errors import Conflict, Invalid, NotFound, Refused
from simulation.twins import TwinBlobs, TwinClock, TwinContainer

PLENTY = 100 * RANGE


def container() -> TwinContainer:
    return TwinBlobs(TwinClock()).container("gldev", "models")


def digest_of(store: TwinContainer, path: str) -> str:
    return manifest_digest(digest_step(store, path, Manifest(), budget=PLENTY))


def test_a_small_files_digest_is_its_own_sha256() -> None:
    store = container()
    store.write("m/MLmodel", b"flavors: {}")

    (entry,) = digest_step(store, "m", Manifest(), budget=1).entries

    assert entry.sha256 == hashlib.sha256(b"flavors: {}").hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        {"a": b"1", "b": b"3"},
        {"a": b"1", "c": b"2"},
        {"a": b"1"},
        {"a": b"1", "b": b"2", "c": b""},
        {"a": b"12", "b": b""},
    ],
)
def test_names_sizes_and_bytes_count(other: dict[str, bytes]) -> None:
    store = container()
    for name, data in {"x/a": b"1", "x/b": b"2"}.items():
        store.write(name, data)
    for name, data in other.items():
        store.write(f"y/{name}", data)

    assert digest_of(store, "x") != digest_of(store, "y")


def test_prefix_and_etags_do_not_count() -> None:
    store = container()
    for root in ("here", "deep/er/there"):
        store.write(f"{root}/b/c", b"2")
        store.write(f"{root}/a", b"1")

    assert digest_of(store, "here") == digest_of(store, "deep/er/there")


def test_a_neighbour_with_a_longer_name_is_not_part_of_it() -> None:
    store = container()
    store.write("m/1/a", b"1")
    alone = digest_of(store, "m/1")
    store.write("m/10/a", b"other")

    assert digest_of(store, "m/1") == alone


def test_a_whole_container_may_be_the_model() -> None:
    store, alone = container(), TwinBlobs(TwinClock()).container("glregistry", "v-1")
    for path, data in {"MLmodel": b"flavors: {}", "data/model.pkl": b"pickle"}.items():
        store.write(f"m/{path}", data)
        alone.write(path, data)

    assert digest_of(alone, "") == digest_of(store, "m")


def test_a_single_file_is_a_model_too() -> None:
    store = container()
    store.write("models/model.pkl", b"pickle")
    store.write("models/model.pkl.bak", b"other")

    manifest = digest_step(store, "models/model.pkl", Manifest(), budget=PLENTY)

    assert [e.path for e in manifest.entries] == ["model.pkl"]


def test_each_byte_is_read_once_however_often_it_is_interrupted() -> None:
    store = container()
    size = 2 * RANGE + 5
    store.write("m/big", b"x" * size)
    store.write("m/small", b"y")
    manifest, steps = Manifest(), 0

    while not manifest.complete:
        manifest = digest_step(store, "m", manifest, budget=1, more=lambda: False)
        steps += 1

    assert steps == 4
    assert store._storage.bytes_read == size + 1
    assert manifest.bytes_read == manifest.size == size + 1


def test_a_file_that_changes_meanwhile_starts_anew_and_the_others_stay() -> None:
    store = container()
    store.write("m/a", b"1")
    store.write("m/b", b"2")
    before = digest_step(store, "m", Manifest(), budget=PLENTY)
    store.write("m/b", b"3")

    after = digest_step(store, "m", before, budget=PLENTY)

    assert store._storage.bytes_read == 3
    assert manifest_digest(after) != manifest_digest(before)
    assert not unchanged(store, "m", before)
    assert unchanged(store, "m", after)


def test_a_change_between_listing_and_reading_is_a_conflict() -> None:
    store = container()
    store.write("m/a", b"1")
    (blob,) = store.list("m/")
    store.write("m/a", b"2")

    with pytest.raises(Conflict):
        store.read(blob, 0, 1)


def test_nothing_there_is_not_found_and_has_no_digest() -> None:
    store = container()

    with pytest.raises(NotFound):
        digest_step(store, "m", Manifest(), budget=1)
    with pytest.raises(Invalid):
        manifest_digest(Manifest())
    assert not unchanged(store, "m", Manifest())


def test_a_copy_under_way_is_left_for_later_and_a_failed_one_is_told() -> None:
    clock = TwinClock()
    blobs = TwinBlobs(clock, large=0, copy_seconds=30)
    source, target = blobs.container("gldev", "models"), blobs.container("glqa", "frozen")
    source.write("m/a", b"1")
    target.copy_from(source, source.list("m/")[0], "p/a")

    assert not digest_step(target, "p", Manifest(), budget=PLENTY).complete
    clock.advance(30)
    assert digest_step(target, "p", Manifest(), budget=PLENTY).complete
    target.break_copy("p/a")
    with pytest.raises(Refused, match="copy of a failed"):
        digest_step(target, "p", Manifest(), budget=PLENTY)


@pytest.mark.parametrize("name", ["m/a\\b", "m/a//b", "m/../b"])
def test_a_file_name_that_must_not_be_copied_on_is_invalid(name: str) -> None:
    store = container()
    store.write(name, b"")

    with pytest.raises(Invalid):
        digest_step(store, "m", Manifest(), budget=1)


def test_a_manifest_of_another_version_is_not_compared() -> None:
    with pytest.raises(Invalid, match="version 2"):
        Manifest.from_json({"version": 2, "range": RANGE, "files": []})
