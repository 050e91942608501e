"""Records as Zenodo describes them: every state has its own sentence."""

from pathlib import Path

import pytest

from fake_zenodo import FakeZenodo, Fault
from source_cases import ARCHIVE, NAME, RECORD, zenodo_entry
from webipred.catalog.lock import LockedFile
from webipred.errors import FindingsError, NetworkError
from webipred.sources.fetch import lock_source
from webipred.sources.options import FetchOptions


def lock(options: FetchOptions, record: int = RECORD, file: str = "*_model_converted.zip") -> LockedFile:
    return lock_source(zenodo_entry(record, file), Path(), options)


def refusal(options: FetchOptions, record: int = RECORD, file: str = "*_model_converted.zip") -> str:
    with pytest.raises(FindingsError) as caught:
        lock(options, record, file)
    assert [] == list(options.cache_dir.rglob("*.part"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("access", "sentence"),
    [
        ("restricted", "record 7785993 is restricted: its files cannot be downloaded. Ask the owner of the record"),
        ("embargoed", "record 7785993 is embargoed until 2031-01-01: its files cannot be downloaded. Wait for the end"),
        ("closed", "record 7785993 is closed: its files cannot be downloaded. Use another record, or ask its owner"),
        ("metadata-only", "record 7785993 is metadata-only: its files cannot be downloaded. Use another record; this"),
    ],
)
def test_a_record_that_is_not_open_says_so(
    zenodo: FakeZenodo, options: FetchOptions, access: str, sentence: str
) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, access=access)
    assert refusal(options).startswith(f"pneumonia-cxr.source.record: {sentence}")


@pytest.mark.parametrize("files_form", ["missing", "null", "empty"])
def test_a_record_without_files_counts_as_metadata_only(
    zenodo: FakeZenodo, options: FetchOptions, files_form: str
) -> None:
    zenodo.add_record(RECORD, {}, files_form=files_form)
    assert "record 7785993 is metadata-only" in refusal(options)


@pytest.mark.parametrize("access", ["restricted", "embargoed", "metadata-only"])
def test_the_newer_form_of_answers_states_access_as_well(
    zenodo: FakeZenodo, options: FetchOptions, access: str
) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, access=access, form="rdm")
    assert f"record 7785993 is {access}" in refusal(options)


def test_the_newer_form_of_answers_is_understood(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, form="rdm")
    assert (RECORD, NAME, len(ARCHIVE)) == (lock(options).record, lock(options).file, lock(options).size_bytes)


def test_an_unknown_record_says_where_to_look(zenodo: FakeZenodo, options: FetchOptions) -> None:
    assert (
        "pneumonia-cxr.source.record: Zenodo knows no record 99. "
        f"Check the number at {zenodo.base_url}/records/99. [E-ZENODO-UNKNOWN]"
    ) == refusal(options, 99)


def test_a_withdrawn_record_says_why_and_when(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {}, deleted=True)
    assert (
        "pneumonia-cxr.source.record: record 7785993 was withdrawn from Zenodo (retracted; 2024-05-01; wrong weights). "
        "Set status: withdrawn with the reason, or use another record. [E-ZENODO-DELETED]"
    ) == refusal(options)


@pytest.mark.parametrize("concept_answers", ["302", "404"])
def test_a_concept_number_is_pinned_to_its_newest_version(
    zenodo: FakeZenodo, options: FetchOptions, concept_answers: str
) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, concept=7785990, concept_answers=concept_answers)
    locked = lock(options, 7785990)
    assert (RECORD, 7785990) == (locked.record, locked.source["record"])


def test_a_record_that_answers_as_another_has_moved(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, answers_as=42)
    assert (
        "pneumonia-cxr.source.record: record 7785993 has moved: Zenodo answers with record 42, "
        f"which is not a version of it. Look at {zenodo.base_url}/records/42 and correct the number. [E-ZENODO-MOVED]"
    ) == refusal(options)


def test_no_match_lists_the_files(options: FetchOptions) -> None:
    assert (
        "pneumonia-cxr.source.file: '*.onnx' fits no file of record 7785993, which holds '257299_model.h5', "
        "'257299_model_converted.zip', 'readme with space/a.txt'. "
        "Write one of these names, or a pattern with * and ?. [E-ZENODO-NO-MATCH]"
    ) == refusal(options, file="*.onnx")


def test_a_near_miss_is_suggested(options: FetchOptions) -> None:
    assert "Did you mean '257299_model_converted.zip'?" in refusal(options, file="257299_model_convertet.zip")


def test_two_matches_are_listed(options: FetchOptions) -> None:
    assert (
        "pneumonia-cxr.source.file: '257299_*' fits 2 files of record 7785993: '257299_model.h5', "
        "'257299_model_converted.zip'. Write the exact name of one of them. [E-ZENODO-MANY-MATCHES]"
    ) == refusal(options, file="257299_*")


def test_an_exact_name_wins_over_its_meaning_as_a_pattern(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {"model[1].zip": b"one", "model*.zip": b"star", "model2.zip": b"two"})
    assert "model*.zip" == lock(options, file="model*.zip").file
    assert "model[1].zip" == lock(options, file="model[1]*").file


def test_a_key_with_space_and_slash_is_fetched(zenodo: FakeZenodo, options: FetchOptions) -> None:
    assert "readme with space/a.txt" == lock(options, file="readme with space/a.txt").file
    assert "/files/readme%20with%20space/a.txt/content" in zenodo.requests[-1].path


def test_interim_fields_are_understood(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, name_field="filename", checksum="bare")
    assert (NAME, "1da708a75e25110b1341d16814feb52d") == (lock(options).file, lock(options).md5)


def test_a_missing_checksum_leaves_our_own(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, checksum="missing")
    assert lock(options).md5 is None


def test_a_wrong_md5_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, checksum="wrong")
    assert (
        f"pneumonia-cxr.source: '{NAME}' has md5 1da708a75e25110b1341d16814feb52d, "
        f"its archive says {'0' * 32}. Try again; tell the archive if it repeats. [E-SOURCE-MD5]"
    ) == refusal(options)


def test_more_bytes_than_stated_are_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, size_error=-1)
    assert f"the server sends more than {len(ARCHIVE) - 1} bytes for '{NAME}'." in refusal(options)


def test_an_empty_file_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: b""})
    assert f"'{NAME}' is empty." in refusal(options)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"text"', b'{"id": null}', b'{"id": 1, "files": [{"size": 1}]}'])
def test_json_that_is_no_record_is_refused(zenodo: FakeZenodo, options: FetchOptions, body: bytes) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="bytes", body=body))
    assert "[E-ZENODO-ANSWER]" in refusal(options)


def test_a_file_name_that_is_no_valid_text_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    body = b'{"id": 7785993, "files": [{"key": "\\ud800_model_converted.zip", "size": 1}]}'
    zenodo.add_fault("/api/records/", Fault(kind="bytes", body=body))
    assert "record 7785993 lists a file without a name, or with one that is no valid text." in refusal(options)


def test_a_file_address_that_is_no_valid_text_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    file = b'{"key": "a_model_converted.zip", "links": {"self": "http://127.0.0.1/\\ud800"}}'
    zenodo.add_fault("/api/records/", Fault(kind="bytes", body=b'{"id": 7785993, "files": [' + file + b"]}"))
    with pytest.raises(NetworkError, match=r"leads to no address .*\[E-HTTP-TARGET\]"):
        lock(options)


@pytest.mark.parametrize("status", [401, 403])
def test_a_forbidden_record_is_not_asked_again(zenodo: FakeZenodo, options: FetchOptions, status: int) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="status", status=status))
    assert f"record 7785993 is not public (status {status})." in refusal(options)
    assert 1 == len(zenodo.requests)


def test_another_client_error_is_not_asked_again(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_fault("/api/records/", Fault(kind="status", status=418))
    with pytest.raises(NetworkError, match="Zenodo answered the question for record 7785993 with status 418"):
        lock(options)
    assert 1 == len(zenodo.requests)


def test_a_file_address_on_another_host_is_refused(zenodo: FakeZenodo, options: FetchOptions) -> None:
    zenodo.add_record(RECORD, {NAME: ARCHIVE}, file_base="https://evil.example")
    with pytest.raises(NetworkError, match=r"https://evil\.example is neither http://127\.0\.0\.1:\d+ nor an allowed"):
        lock(options)
