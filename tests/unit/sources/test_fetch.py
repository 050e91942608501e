"""From entry to archive: locking, fetching, cache, offline, and what a changed origin leads to."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from fake_zenodo import FakeZenodo, Fault
from source_cases import ARCHIVE, COMMIT, NAME, RECORD, Patience, make_entry, zenodo_entry
from webipred.catalog.lock import LockedFile
from webipred.catalog.locking import is_stale
from webipred.digests import hash_bytes
from webipred.errors import FindingsError, NetworkError, UsageError, WebipredError
from webipred.findings import Finding
from webipred.sources.fetch import fetch_archive, lock_source
from webipred.sources.options import FetchOptions


class Tally:
    """Keeps what a progress listener is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []

    def start(self, what: str, total_bytes: int | None) -> "Tally":
        self.events.append(("start", (what, total_bytes)))
        return self

    def reach(self, size_bytes: int) -> None:
        self.events.append(("reach", size_bytes))

    def finish(self, *, complete: bool) -> None:
        self.events.append(("finish", complete))


def cached_files(options: FetchOptions) -> list[str]:
    return sorted(path.name for path in options.cache_dir.rglob("*") if path.is_file() and path.name != "CACHEDIR.TAG")


def test_the_lock_pins_address_record_size_and_digests(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    expected = LockedFile(
        source={"type": "zenodo", "record": RECORD, "file": "*_model_converted.zip"},
        url=f"{zenodo.base_url}/api/records/{RECORD}/files/{NAME}/content",
        record=RECORD,
        file=NAME,
        size_bytes=len(ARCHIVE),
        md5="1da708a75e25110b1341d16814feb52d",
        sha256=hash_bytes(ARCHIVE),
    )
    assert expected == lock_source(zenodo_entry(), tmp_path, options)


def test_after_locking_the_archive_comes_from_the_cache(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)
    asked = len(zenodo.requests)
    archive = fetch_archive(zenodo_entry(), tmp_path, locked, options)
    assert (ARCHIVE, NAME, hash_bytes(ARCHIVE)) == (archive.path.read_bytes(), archive.file, archive.sha256)
    assert asked == len(zenodo.requests)


def test_a_cold_cache_is_filled_from_the_locked_address(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)
    zenodo.requests.clear()
    archive = fetch_archive(zenodo_entry(), tmp_path, locked, replace(options, cache_dir=tmp_path / "other"))
    assert ARCHIVE == archive.path.read_bytes()
    assert [f"/api/records/{RECORD}/files/{NAME}/content"] == [request.path for request in zenodo.requests]


def test_offline_with_a_warm_cache_opens_no_socket(
    options: FetchOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)

    def refuse_socket(*arguments: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse_socket)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_socket)
    archive = fetch_archive(zenodo_entry(), tmp_path, locked, replace(options, offline=True))
    assert ARCHIVE == archive.path.read_bytes()


def test_offline_with_a_cold_cache_says_what_to_run(
    options: FetchOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)

    def refuse_socket(*arguments: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse_socket)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_socket)
    offline = replace(options, offline=True, cache_dir=tmp_path / "cold")
    with pytest.raises(NetworkError) as caught:
        fetch_archive(zenodo_entry(), tmp_path, locked, offline)
    assert (
        f"pneumonia-cxr.source: '{NAME}' ({len(ARCHIVE)} bytes, sha256 {hash_bytes(ARCHIVE)}) is not in the cache. "
        "Run `webipred-build build` once without --offline, or copy the cache folder from a machine that has it. "
        "[E-OFFLINE-CACHE]"
    ) == str(caught.value)


def test_locking_offline_is_refused(options: FetchOptions, tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        lock_source(zenodo_entry(), tmp_path, replace(options, offline=True))
    assert (
        "pneumonia-cxr.source: --offline is set, but 127.0.0.1 would have to be asked. "
        "Run the command once without --offline. [E-OFFLINE-SOCKET]"
    ) == str(caught.value)


def test_an_unlocked_entry_names_the_command(options: FetchOptions, tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as caught:
        fetch_archive(zenodo_entry(), tmp_path, None, options)
    assert (
        "pneumonia-cxr.source: the source is not locked, so nobody has said which bytes are meant. "
        "Run `webipred-build lock --only pneumonia-cxr`. [E-LOCK-MISSING]"
    ) == str(caught.value)


def test_a_changed_source_makes_the_lock_stale(options: FetchOptions, tmp_path: Path) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)
    changed = zenodo_entry(file="257299_model.h5")
    assert (False, True) == (is_stale(zenodo_entry(), locked), is_stale(changed, locked))
    with pytest.raises(FindingsError, match="the source was changed after it was locked"):
        fetch_archive(changed, tmp_path, locked, options)


def test_bytes_that_differ_from_the_lock_are_refused_and_removed(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)
    changed = bytes([ARCHIVE[0] ^ 1]) + ARCHIVE[1:]
    zenodo.add_record(RECORD, {NAME: changed})
    cold = replace(options, cache_dir=tmp_path / "cold")
    with pytest.raises(FindingsError) as caught:
        fetch_archive(zenodo_entry(), tmp_path, locked, cold)
    assert (
        f"pneumonia-cxr.source: '{NAME}' has sha256 {hash_bytes(changed)}, the lock says {hash_bytes(ARCHIVE)}. "
        "If this change is known and wanted, run `webipred-build lock` again and look at the difference. "
        "[E-SOURCE-SHA256]"
    ) == str(caught.value)
    assert [] == cached_files(cold)


def test_a_cached_file_that_was_changed_is_fetched_again(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    locked = lock_source(zenodo_entry(), tmp_path, options)
    fetch_archive(zenodo_entry(), tmp_path, locked, options).path.write_bytes(b"tampered")
    asked = len(zenodo.requests)
    archive = fetch_archive(zenodo_entry(), tmp_path, locked, options)
    assert (ARCHIVE, asked + 1) == (archive.path.read_bytes(), len(zenodo.requests))


def test_the_cache_is_marked_as_one(options: FetchOptions, tmp_path: Path) -> None:
    lock_source(zenodo_entry(), tmp_path, options)
    tag = (options.cache_dir / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_an_unusable_cache_folder_is_one_sentence(options: FetchOptions, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FindingsError, match="give another folder with --cache-dir"):
        lock_source(zenodo_entry(), tmp_path, replace(options, cache_dir=tmp_path / "file" / "cache"))


def test_progress_counts_every_byte_and_ends(options: FetchOptions, tmp_path: Path) -> None:
    tally = Tally()
    lock_source(zenodo_entry(), tmp_path, options, tally)
    assert ("start", (NAME, len(ARCHIVE))) == tally.events[0]
    assert [("reach", len(ARCHIVE)), ("finish", True)] == tally.events[-2:]


def test_a_transfer_that_starts_over_is_one_transfer_and_counts_no_byte_twice(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    zenodo.ranges = False
    zenodo.add_fault("/content", Fault(kind="short", count=1000))
    tally = Tally()
    lock_source(zenodo_entry(), tmp_path, options, tally)
    assert 1 == [kind for kind, _ in tally.events].count("start")
    assert len(ARCHIVE) == max(size for kind, size in tally.events if kind == "reach" and isinstance(size, int))


@pytest.mark.parametrize("options_of_record", [{"checksum": "wrong"}, {"size_error": -1}, {"size_error": 1}])
def test_progress_is_told_of_a_file_that_did_not_arrive_as_expected(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path, options_of_record: dict[str, object]
) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, **options_of_record)
    tally = Tally()
    with pytest.raises(WebipredError):
        lock_source(zenodo_entry(), tmp_path, options, tally)
    assert [("finish", False)] == [event for event in tally.events if event[0] == "finish"]


def test_a_folder_in_the_place_of_a_cached_file_is_one_sentence(options: FetchOptions, tmp_path: Path) -> None:
    digest = hash_bytes(ARCHIVE)
    (options.cache_dir / "sha256" / digest[:2] / digest / "inside").mkdir(parents=True)
    with pytest.raises(FindingsError) as caught:
        lock_source(zenodo_entry(), tmp_path, options)
    assert (
        f"{options.cache_dir}: the folder cannot be used (Is a directory: {digest}). Make room or remove what stands "
        "there, or give another folder with --cache-dir. [E-CACHE-FOLDER]"
    ) == str(caught.value)
    assert [] == cached_files(options)


def test_every_request_names_the_program(options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path) -> None:
    lock_source(zenodo_entry(), tmp_path, options)
    assert {"webipred/0.1.0 (webipred-build)"} == {request.headers["user-agent"] for request in zenodo.requests}


def test_a_url_source_is_named_after_its_path(options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path) -> None:
    address = f"{zenodo.base_url}/api/records/{RECORD}/files/{NAME}/content"
    entry = make_entry({"type": "url", "url": address})
    locked = lock_source(entry, tmp_path, options)
    assert ("content", len(ARCHIVE), None) == (locked.file, locked.size_bytes, locked.md5)
    assert ARCHIVE == fetch_archive(entry, tmp_path, locked, options).path.read_bytes()


def test_a_huggingface_file_is_addressed_by_its_commit(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path
) -> None:
    zenodo.add_fault("/resolve/", Fault(kind="bytes", body=b"weights"))
    source: dict[str, object] = {
        "type": "huggingface",
        "repository": "someone/some-model",
        "commit": COMMIT,
        "file": "sub dir/model.onnx",
    }
    locked = lock_source(make_entry(source), tmp_path, options)
    assert f"/someone/some-model/resolve/{COMMIT}/sub%20dir/model.onnx" == zenodo.requests[-1].path
    assert ("model.onnx", hash_bytes(b"weights")) == (locked.file, locked.sha256)


def test_a_folder_source_needs_no_lock(options: FetchOptions, tmp_path: Path) -> None:
    entry = make_entry({"type": "folder", "path": "model.zip"})
    (tmp_path / "model.zip").write_bytes(b"zip")
    archive = fetch_archive(entry, tmp_path, None, options)
    assert (b"zip", "model.zip", "model.zip") == (archive.path.read_bytes(), archive.file, archive.origin)
    with pytest.raises(UsageError, match="needs no lock"):
        lock_source(entry, tmp_path, options)


def test_a_newer_version_and_another_licence_are_remarks(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path, notices: list[Finding]
) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, newest=7786099, license_id="cc-by-nc-4.0")
    lock_source(zenodo_entry(), tmp_path, options)
    newer = (
        f"pneumonia-cxr.source.record: record {RECORD} has a newer version. "
        f"Look at {zenodo.base_url}/records/{RECORD}/latest; the lock stays with this one. [N-ZENODO-NEWER]"
    )
    licence = (
        f"pneumonia-cxr.license.weights: record {RECORD} states the licence 'cc-by-nc-4.0', "
        "the catalog says 'CC-BY-4.0'. Read the record and correct license.weights. [W-ZENODO-LICENSE]"
    )
    assert [newer, licence] == [str(finding) for finding in notices]


def test_a_record_without_licence_is_a_warning(
    options: FetchOptions, zenodo: FakeZenodo, tmp_path: Path, notices: list[Finding]
) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, license_id=None)
    lock_source(zenodo_entry(), tmp_path, options)
    assert [f"record {RECORD} states no licence."] == [finding.what for finding in notices]


def test_an_agreeing_licence_is_no_remark(options: FetchOptions, tmp_path: Path, notices: list[Finding]) -> None:
    lock_source(zenodo_entry(), tmp_path, options)
    assert [] == notices


def test_nothing_is_waited_for_without_need(options: FetchOptions, tmp_path: Path, patience: Patience) -> None:
    lock_source(zenodo_entry(), tmp_path, options)
    assert [] == patience.waits
