"""Transfers that go wrong: what is waited for, what is resumed, what is refused, and that nothing half stays."""

from dataclasses import replace
from pathlib import Path

import pytest

from fake_zenodo import FakeZenodo, Fault
from source_cases import ARCHIVE, NAME, RECORD, Patience, zenodo_entry
from webipred.digests import hash_bytes
from webipred.errors import FindingsError, NetworkError
from webipred.sources.fetch import fetch_archive, lock_source
from webipred.sources.options import FetchOptions

CONTENT = "/content"


def lock_digest(options: FetchOptions) -> str:
    return lock_source(zenodo_entry(), Path(), options).sha256


def failure(options: FetchOptions) -> str:
    with pytest.raises(NetworkError) as caught:
        lock_source(zenodo_entry(), Path(), options)
    return str(caught.value)


def parts(options: FetchOptions) -> list[Path]:
    return list((options.cache_dir / "parts").glob("*"))


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry-After": "7"}, [7.0]),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:29 GMT"}, [9.0]),
        ({"Retry-After": "Thu, 01 Jan 99999 00:00:00 GMT"}, [0.5]),
        ({"Retry-After": "Thu, 01 Jan 99999 00:00:00 GMT", "X-RateLimit-Reset": "1700000011"}, [11.0]),
        ({"X-RateLimit-Reset": "1700000011"}, [11.0]),
        ({"X-RateLimit-Reset": "1600000000"}, [0.0]),
        ({}, [0.5]),
    ],
)
def test_a_busy_server_is_waited_for_as_it_asks(
    zenodo: FakeZenodo, options: FetchOptions, patience: Patience, headers: dict[str, str], waits: list[float]
) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="status", status=429, headers=headers))
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    assert waits == patience.waits


def test_a_wait_beyond_patience_ends_at_once(zenodo: FakeZenodo, options: FetchOptions, patience: Patience) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="status", status=429, headers={"Retry-After": "3600"}))
    assert (
        "pneumonia-cxr.source: 127.0.0.1 is busy (status 429) and asks to wait 3600 seconds, longer than 120. "
        "Try again later; what was fetched before is kept in the cache. [E-HTTP-RATE]"
    ) == failure(options)
    assert [] == patience.waits


def test_server_errors_are_retried_with_growing_pauses(
    zenodo: FakeZenodo, options: FetchOptions, patience: Patience
) -> None:
    zenodo.add_fault("/api/records/", *[Fault(kind="status", status=500)] * 3)
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    assert [0.5, 1.0, 2.0] == patience.waits


def test_patience_ends(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault("/api/records/", *[Fault(kind="html", status=504)] * 9)
    assert (
        "pneumonia-cxr.source: 127.0.0.1 answered with status 504; gave up after 5 attempts. "
        "Try again later; what was fetched before is kept in the cache. [E-HTTP-GAVE-UP]"
    ) == failure(options)
    assert 5 == len(zenodo.requests)


def test_a_web_page_instead_of_json_is_retried(zenodo: FakeZenodo, options: FetchOptions, patience: Patience) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="html", status=200))
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    assert [0.5] == patience.waits


def test_a_web_page_instead_of_the_file_is_never_stored(
    zenodo: FakeZenodo, options: FetchOptions, patience: Patience
) -> None:
    zenodo.add_fault(CONTENT, *[Fault(kind="html", status=200)] * 9)
    assert f"the server sent a web page instead of '{NAME}'; gave up after 5 attempts." in failure(options)


def test_a_missing_file_is_not_asked_twice(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="status", status=404))
    assert "answered with status 404 instead of the file. Check the address" in failure(options)
    assert 2 == len(zenodo.requests)


def test_a_transfer_that_breaks_off_is_continued(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="truncate"))
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    resumed = zenodo.requests[-1].headers
    assert ("bytes=", f'"{len(ARCHIVE)}"') == (resumed["range"][:6], resumed["if-range"])


def test_a_body_shorter_than_the_record_says_is_continued(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000))
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    assert "bytes=1000-" == zenodo.requests[-1].headers["range"]


def test_a_server_that_ignores_ranges_sends_everything_again(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.ranges = False
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000))
    assert hash_bytes(ARCHIVE) == lock_digest(options)


def test_a_server_that_continues_elsewhere_starts_over(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000), Fault(kind="other-range"))
    assert hash_bytes(ARCHIVE) == lock_digest(options)


def test_a_stated_size_beyond_the_file_gives_up(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, size_error=10)
    assert f"the transfer ended after {len(ARCHIVE)} of {len(ARCHIVE) + 10} bytes" in failure(options)


def test_an_interrupted_transfer_is_resumed_by_the_next_run(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000), *[Fault(kind="status", status=503)] * 4)
    failure(options)
    assert [1000] == [part.stat().st_size for part in parts(options)]
    zenodo.requests.clear()
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    assert "bytes=1000-" == zenodo.requests[-1].headers["range"]
    assert [] == parts(options)


def test_a_resumed_part_that_does_not_fit_is_dropped(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000), *[Fault(kind="status", status=503)] * 4)
    failure(options)
    parts(options)[0].write_bytes(b"x" * 1000)
    assert hash_bytes(ARCHIVE) == lock_digest(options)


def test_a_part_of_full_length_is_only_verified(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000), *[Fault(kind="status", status=503)] * 4)
    failure(options)
    parts(options)[0].write_bytes(ARCHIVE)
    zenodo.requests.clear()
    assert hash_bytes(ARCHIVE) == lock_digest(options)
    assert [f"/api/records/{RECORD}"] == [request.path for request in zenodo.requests]


def test_a_part_that_is_too_long_is_dropped(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000), *[Fault(kind="status", status=503)] * 4)
    failure(options)
    parts(options)[0].write_bytes(ARCHIVE + b"more")
    assert hash_bytes(ARCHIVE) == lock_digest(options)


def test_without_a_digest_nothing_is_kept_for_later(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, checksum="missing")
    zenodo.add_fault(CONTENT, Fault(kind="short", count=1000), *[Fault(kind="status", status=503)] * 4)
    failure(options)
    assert [] == parts(options)


def test_a_silent_server_runs_into_the_timeout(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, *[Fault(kind="stall")] * 2)
    quick = replace(options, timeout_s=0.1, max_attempts=2)
    assert "the transfer broke off after 0 bytes (timeout); gave up after 2 attempts." in failure(quick)


def test_a_transfer_has_a_deadline(zenodo: FakeZenodo, options: FetchOptions, patience: Patience) -> None:
    times = iter(range(0, 10_000_000, 3000))
    slow = replace(options, clock=lambda: float(next(times)))
    assert f"'{NAME}' had not arrived after 3600 seconds." in failure(slow)


def test_an_encoding_that_nobody_asked_for_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="gzip"))
    assert "came with encoding 'gzip', which was not asked for." in failure(options)


def test_a_file_of_unstated_size_is_capped(zenodo: FakeZenodo, options: FetchOptions) -> None:
    locked = lock_source(zenodo_entry(), Path(), options)
    small = replace(options, max_bytes=1000, cache_dir=options.cache_dir / "other")
    archive = fetch_archive(zenodo_entry(), Path(), locked, small)
    assert len(ARCHIVE) == archive.size_bytes  # the lock states the size, so the cap for unknown sizes is not asked


def test_excess_beyond_the_locked_size_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault(CONTENT, Fault(kind="excess"))
    with pytest.raises(FindingsError, match=f"the server sends more than {len(ARCHIVE)} bytes"):
        lock_source(zenodo_entry(), Path(), options)
    assert [] == parts(options)


def test_the_server_that_is_not_there_is_named(options: FetchOptions) -> None:
    gone = replace(options, zenodo_base="http://127.0.0.1:9", max_attempts=2)
    assert "pneumonia-cxr.source: 127.0.0.1 did not answer (" in failure(gone)
