"""Zenodo: from a record number and a file name or pattern to one file of one version record.

Two forms of answers exist, the older one ("legacy", files as a list) and InvenioRDM's (files as a mapping);
both are understood, and so are the interim fields of October 2023 (`filename`, md5 without prefix).
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx

from webipred.catalog.source import ZenodoSource
from webipred.errors import FindingsError, NetworkError, refuse
from webipred.findings import Finding
from webipred.sources.connection import TRY_LATER, Connection, fail
from webipred.sources.download import RemoteFile

_MD5: Final = re.compile(r"(?:md5:)?([0-9a-f]{32})")
SHOWN_KEYS: Final = 20
_ACCESS_FIXES: Final = {
    "restricted": "Ask the owner of the record to open it, or download the file yourself and use a folder source.",
    "embargoed": "Wait for the end of the embargo, or use another record.",
    "closed": "Use another record, or ask its owner for the file and use a folder source.",
    "metadata-only": "Use another record; this one was published without files.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZenodoFile:
    """One file as the record states it; None where it does not."""

    key: str
    size_bytes: int | None
    md5: str | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZenodoRecord:
    """What matters of a version record. `license_id` is None where none is stated."""

    record: int
    concept: int | None
    access: str
    embargo_until: str | None
    is_newest: bool
    license_id: str | None
    files: tuple[ZenodoFile, ...]


def resolve_zenodo(connection: Connection, base: str, source: ZenodoSource) -> tuple[RemoteFile, ZenodoRecord]:
    """Return the one file that `source` names and the version record that holds it.

    Raises FindingsError: E-ZENODO-UNKNOWN, -DELETED, -MOVED, -ACCESS, -NO-MATCH, -MANY-MATCHES, -ANSWER;
    NetworkError when the server does not deliver.
    """
    record = read_record(connection, base, source.record)
    if record.access != "open" or not record.files:
        raise _refuse_access(connection.where, source.record, record)
    chosen = choose_file(record.files, source.file, f"record {record.record}", f"{connection.where}.file")
    remote = RemoteFile(
        url=chosen.url, file=chosen.key, size_bytes=chosen.size_bytes, md5=chosen.md5, record=record.record
    )
    return remote, record


def read_record(connection: Connection, base: str, number: int) -> ZenodoRecord:
    """Return the record with that number; a concept number gives its newest version."""
    where = f"{connection.where}.record"
    status, body = connection.read_json(f"{base}/api/records/{number}")
    if status == httpx.codes.NOT_FOUND:
        # In 2023 the number of a concept was answered with 404; its newest version is still found by this address.
        status, body = connection.read_json(f"{base}/api/records/{number}/versions/latest")
        if status == httpx.codes.NOT_FOUND:
            what = f"Zenodo knows no record {number}."
            raise refuse("E-ZENODO-UNKNOWN", where, what, f"Check the number at {base}/records/{number}.")
    if status == httpx.codes.GONE:
        raise _refuse_deleted(where, number, body)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        what = f"record {number} is not public (status {status})."
        raise refuse("E-ZENODO-ACCESS", where, what, _ACCESS_FIXES["restricted"])
    if status != httpx.codes.OK:
        raise _fail_status(where, number, status)
    record = parse_record(body, base, where)
    if number not in (record.record, record.concept):
        what = f"record {number} has moved: Zenodo answers with record {record.record}, which is not a version of it."
        raise refuse("E-ZENODO-MOVED", where, what, f"Look at {base}/records/{record.record} and correct the number.")
    return record


def find_remarks(record: ZenodoRecord, base: str, license_id: str, where: str) -> Iterator[Finding]:
    """Yield what a curator should know: a newer version, a licence that is missing or is not the catalog's."""
    if not record.is_newest:
        what = f"record {record.record} has a newer version."
        fix = f"Look at {base}/records/{record.record}/latest; the lock stays with this one."
        yield Finding(code="N-ZENODO-NEWER", where=f"{where}.source.record", what=what, fix=fix)
    place = f"{where}.license.weights"
    if record.license_id is None:
        what = f"record {record.record} states no licence."
        yield Finding(code="W-ZENODO-LICENSE", where=place, what=what, fix="Ask its authors before you publish it.")
    elif record.license_id.casefold() != license_id.casefold():
        what = f"record {record.record} states the licence {record.license_id!r}, the catalog says {license_id!r}."
        fix = "Read the record and correct license.weights."
        yield Finding(code="W-ZENODO-LICENSE", where=place, what=what, fix=fix)


def choose_file(files: tuple[ZenodoFile, ...], wanted: str, holder: str, where: str) -> ZenodoFile:
    """Return the file whose key is `wanted`, else the only one that fits it as a pattern with * and ?."""
    keys = [file.key for file in files]
    matches = [file for file in files if file.key == wanted]
    if not matches:
        pattern = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
        matches = [file for file in files if re.fullmatch(pattern, file.key, re.DOTALL)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        found = _list_keys([file.key for file in matches])
        what = f"{wanted!r} fits {len(matches)} files of {holder}: {found}."
        raise refuse("E-ZENODO-MANY-MATCHES", where, what, "Write the exact name of one of them.")
    near = difflib.get_close_matches(wanted, keys, n=1)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    what = f"{wanted!r} fits no file of {holder}, which holds {_list_keys(keys)}.{suggestion}"
    raise refuse("E-ZENODO-NO-MATCH", where, what, "Write one of these names, or a pattern with * and ?.")


def parse_record(body: object, base: str, where: str) -> ZenodoRecord:
    """Return the record in a JSON answer of either form; raises E-ZENODO-ANSWER if it is none."""
    answer = _as_mapping(body)
    number = _as_number(answer.get("id"))
    if number is None:
        what = "Zenodo's answer is not a record: it has no id."
        raise refuse("E-ZENODO-ANSWER", where, what, "Try again later; report it if it repeats.")
    metadata, access = _as_mapping(answer.get("metadata")), _as_mapping(answer.get("access"))
    files = tuple(_parse_files(answer.get("files"), base, number, where))
    stated = str(metadata.get("access_right") or access.get("status") or "open")
    parent = _as_mapping(answer.get("parent"))
    embargo = metadata.get("embargo_date") or _as_mapping(access.get("embargo")).get("until")
    return ZenodoRecord(
        record=number,
        concept=_as_number(answer.get("conceptrecid")) or _as_number(parent.get("id")) or _find_parent(metadata),
        access=stated,
        embargo_until=str(embargo) if embargo else None,
        is_newest=_read_newest(answer, metadata),
        license_id=_read_license(metadata),
        files=files,
    )


def _parse_files(value: object, base: str, number: int, where: str) -> Iterator[ZenodoFile]:
    entries: object = _as_mapping(value).get("entries", {}) if isinstance(value, Mapping) else value
    items = list(entries.values()) if isinstance(entries, Mapping) else entries
    for item in items if isinstance(items, list) else []:
        fields = _as_mapping(item)
        key = fields.get("key") or fields.get("filename")
        if not isinstance(key, str) or not _is_encodable(key):
            what = f"record {number} lists a file without a name, or with one that is no valid text."
            raise refuse("E-ZENODO-ANSWER", where, what, "Try again later; report it if it repeats.")
        links = _as_mapping(fields.get("links"))
        address = links.get("content") or links.get("self") or links.get("download")
        checksum = _MD5.fullmatch(str(fields.get("checksum", "")))
        size = fields.get("size", fields.get("filesize"))
        built = f"{base}/api/records/{number}/files/{quote(key, safe='/')}/content"
        yield ZenodoFile(
            key=key,
            size_bytes=_as_number(size),
            md5=checksum[1] if checksum else None,
            url=address if isinstance(address, str) else built,
        )


def _refuse_access(where: str, asked: int, record: ZenodoRecord) -> FindingsError:
    access = record.access if record.access != "open" else "metadata-only"
    until = f" until {record.embargo_until}" if record.embargo_until and access == "embargoed" else ""
    what = f"record {asked} is {access}{until}: its files cannot be downloaded."
    return refuse("E-ZENODO-ACCESS", f"{where}.record", what, _ACCESS_FIXES.get(access, _ACCESS_FIXES["closed"]))


def _refuse_deleted(where: str, number: int, body: object) -> FindingsError:
    tombstone = _as_mapping(_as_mapping(body).get("tombstone"))
    reason = _as_mapping(tombstone.get("removal_reason")).get("id")
    note = tombstone.get("note")
    details = "; ".join(str(part)[:200] for part in (reason, tombstone.get("removal_date"), note) if part)
    what = f"record {number} was withdrawn from Zenodo{f' ({details})' if details else ''}."
    return refuse("E-ZENODO-DELETED", where, what, "Set status: withdrawn with the reason, or use another record.")


def _fail_status(where: str, number: int, status: int) -> NetworkError:
    what = f"Zenodo answered the question for record {number} with status {status}."
    return fail("E-ZENODO-STATUS", where, what, TRY_LATER)


def _read_newest(answer: Mapping[object, object], metadata: Mapping[object, object]) -> bool:
    relations = _as_mapping(metadata.get("relations")).get("version")
    first = _as_mapping(relations[0]) if isinstance(relations, list) and relations else {}
    versions = _as_mapping(answer.get("versions"))
    return first.get("is_last") is not False and versions.get("is_latest") is not False


def _read_license(metadata: Mapping[object, object]) -> str | None:
    rights = metadata.get("rights")
    first = _as_mapping(rights[0]) if isinstance(rights, list) and rights else {}
    stated = _as_mapping(metadata.get("license")).get("id") or first.get("id")
    return stated if isinstance(stated, str) else None


def _find_parent(metadata: Mapping[object, object]) -> int | None:
    relations = _as_mapping(metadata.get("relations")).get("version")
    first = _as_mapping(relations[0]) if isinstance(relations, list) and relations else {}
    return _as_number(_as_mapping(first.get("parent")).get("pid_value"))


def _as_mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


def _as_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value) else None


def _is_encodable(text: str) -> bool:
    """Whether the text is whole: JSON can spell half of a surrogate pair, which no file and no address can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _list_keys(keys: list[str]) -> str:
    shown = ", ".join(repr(key) for key in sorted(keys)[:SHOWN_KEYS])
    return f"{shown} and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else shown
