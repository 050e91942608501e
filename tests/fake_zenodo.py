"""A loopback server that answers as Zenodo does, and misbehaves on demand.

It stands for what is known about the service's REST interface: legacy and RDM records, concept numbers, tombstones,
rate limits, ranges. `FakeZenodo.add_record` describes a record; `FakeZenodo.add_fault` plans misbehaviour for the
next requests to a path. Every request is kept in `requests`.
"""

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote, unquote, urlsplit

Access = Literal["open", "restricted", "embargoed", "closed", "metadata-only"]
HTML = b"<!doctype html><title>Zenodo</title><p>The service is busy.</p>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """A request that arrived: path as sent, and headers with lowercase names."""

    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned misbehaviour.

    `status` answers with that status and `headers`; `html` with a web page and `status`; `redirect` with `location`;
    `truncate` closes the connection after half of the body; `short` promises and sends `count` bytes only;
    `excess` sends the body twice; `stall` sends headers and then nothing; `other-range` continues at byte 0;
    `gzip` claims an encoding; `bytes` sends `body` instead.
    """

    kind: Literal["status", "html", "redirect", "truncate", "short", "excess", "stall", "other-range", "gzip", "bytes"]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    count: int = 0
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRecord:
    """A record and the oddities of its answer."""

    number: int
    files: dict[str, bytes]
    access: Access = "open"
    concept: int | None = None
    concept_answers: Literal["302", "404"] = "302"
    newest: int | None = None
    deleted: bool = False
    license_id: str | None = "cc-by-4.0"
    form: Literal["legacy", "rdm"] = "legacy"
    files_form: Literal["list", "missing", "null", "empty"] = "list"
    checksum: Literal["md5", "bare", "wrong", "missing"] = "md5"
    name_field: Literal["key", "filename"] = "key"
    size_error: int = 0
    answers_as: int | None = None
    file_base: str = ""


class FakeZenodo:
    """Context manager around the server; `base_url` is its root."""

    def __init__(self, *, ranges: bool = True) -> None:
        self.ranges = ranges
        self.records: dict[int, FakeRecord] = {}
        self.requests: list[SeenRequest] = []
        self.faults: dict[str, deque[Fault]] = {}
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.zenodo = self  # type: ignore[attr-defined]  # the handler finds its records here
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add_record(self, record_id: int, files: dict[str, bytes], **options: object) -> FakeRecord:
        """Publish a record; `options` are the fields of FakeRecord."""
        record = FakeRecord(number=record_id, files=files, **options)  # type: ignore[arg-type]  # checked by the class
        self.records[record_id] = record
        return record

    def add_fault(self, path_part: str, *faults: Fault) -> None:
        """Plan one fault for each of the next requests whose path holds `path_part`."""
        self.faults.setdefault(path_part, deque()).extend(faults)

    def take_fault(self, path: str) -> Fault | None:
        for part, planned in self.faults.items():
            if part in path and planned:
                return planned.popleft()
        return None

    def find(self, number: int) -> FakeRecord | None:
        return self.records.get(number)

    def find_newest(self, number: int) -> FakeRecord | None:
        """The newest version, for the number of a concept or of a version."""
        for record in self.records.values():
            if record.concept == number and record.newest is None:
                return record
        asked = self.records.get(number)
        return None if asked is None else self.records.get(asked.newest or number)

    def describe(self, record: FakeRecord) -> dict[str, object]:
        return _describe_rdm(record, self.base_url) if record.form == "rdm" else _describe_legacy(record, self.base_url)


def _describe_legacy(record: FakeRecord, base: str) -> dict[str, object]:
    shown = record.answers_as or record.number
    concept = str(record.concept or record.number - 1)
    metadata: dict[str, object] = {
        "title": "A model",
        "doi": f"10.5281/zenodo.{shown}",
        "publication_date": "2023-03-30",
        "description": "<p>Weights</p>",
        "access_right": record.access if record.access != "metadata-only" else "open",
        "creators": [{"name": "Family, Given", "affiliation": None}],
        "resource_type": {"title": "Software", "type": "software"},
        "relations": {
            "version": [
                {"index": 0, "is_last": record.newest is None, "parent": {"pid_type": "recid", "pid_value": concept}}
            ]
        },
    }
    if record.license_id is not None:
        metadata["license"] = {"id": record.license_id}
    if record.access == "embargoed":
        metadata["embargo_date"] = "2031-01-01"
    answer: dict[str, object] = {
        "created": "2023-03-30T14:37:59.000000+00:00",
        "modified": "2023-03-30T14:38:02.000000+00:00",
        "id": shown,
        "recid": str(shown),
        "conceptrecid": concept,
        "metadata": metadata,
        "links": {"self": f"{base}/api/records/{shown}", "latest": f"{base}/api/records/{shown}/versions/latest"},
        "revision": 5,
        "state": "done",
        "submitted": True,
    }
    if record.access != "open":
        answer["files"] = []
    elif record.files_form == "list":
        answer["files"] = [_describe_file(record, name, base) for name in record.files]
    elif record.files_form != "missing":
        answer["files"] = None if record.files_form == "null" else []
    return answer


def _describe_rdm(record: FakeRecord, base: str) -> dict[str, object]:
    entries = {name: _describe_file(record, name, base) for name in record.files}
    files: dict[str, object] = {"enabled": True}
    if record.access == "open":
        files |= {"count": len(entries), "entries": entries}
    elif record.access == "metadata-only":
        files = {"enabled": False, "order": [], "count": 0, "total_bytes": 0, "entries": {}}
    return {
        "id": str(record.number),
        "parent": {"id": str(record.concept or record.number - 1)},
        "versions": {"is_latest": record.newest is None, "index": 1},
        "metadata": {"title": "A model", "rights": [{"id": record.license_id}] if record.license_id else []},
        "access": {"record": "public", "status": record.access, "embargo": {"active": False, "until": None}},
        "files": files,
    }


def _describe_file(record: FakeRecord, name: str, base: str) -> dict[str, object]:
    content = record.files[name]
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    address = f"{record.file_base or base}/api/records/{record.number}/files/{quote(name, safe='/')}/content"
    described: dict[str, object] = {
        "id": "0b0b0b0b-0000-4000-8000-000000000000",
        record.name_field: name,
        "size": len(content) + record.size_error,
        "links": {"self": address},
    }
    if record.checksum != "missing":
        forms = {"md5": f"md5:{digest}", "bare": digest, "wrong": f"md5:{'0' * 32}"}
        described["checksum"] = forms[record.checksum]
    return described


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the name is the base class's
        """Stay silent; `requests` is the log."""

    @property
    def zenodo(self) -> FakeZenodo:
        found: FakeZenodo = self.server.zenodo  # type: ignore[attr-defined]  # set by FakeZenodo
        return found

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.zenodo.requests.append(SeenRequest(path=self.path, headers=headers))
        fault = self.zenodo.take_fault(self.path)
        if fault is not None and self._answer_fault(fault):
            return
        path = unquote(urlsplit(self.path).path)
        file = re.fullmatch(r"/api/records/(\d+)/files/(.+)/content", path)
        latest = re.fullmatch(r"/api/records/(\d+)/versions/latest", path)
        record = re.fullmatch(r"/api/records/(\d+)", path)
        if file:
            self._answer_file(int(file[1]), file[2], fault)
        elif latest:
            newest = self.zenodo.find_newest(int(latest[1]))
            self._answer_redirect(301, newest)
        elif record:
            self._answer_record(int(record[1]))
        else:
            self._answer_json(404, {"status": 404, "message": "Not found"})

    def _answer_fault(self, fault: Fault) -> bool:
        """Answer and return True, or return False for faults of a body that are played later."""
        if fault.kind == "status":
            self._send(fault.status, b'{"message": "later"}', {"Content-Type": "application/json", **fault.headers})
        elif fault.kind == "html":
            self._send(fault.status, HTML, {"Content-Type": "text/html; charset=utf-8"})
        elif fault.kind == "redirect":
            self._send(302, b"", {"Location": fault.location})
        elif fault.kind == "bytes":
            self._send(fault.status, fault.body, {"Content-Type": "application/json", **fault.headers})
        else:
            return False
        return True

    def _answer_record(self, number: int) -> None:
        record = self.zenodo.find(number)
        if record is not None and record.deleted:
            tombstone = {"note": "wrong weights", "removal_date": "2024-05-01", "removal_reason": {"id": "retracted"}}
            self._answer_json(410, {"status": 410, "message": "Record deleted", "tombstone": tombstone})
        elif record is not None:
            self._answer_json(200, self.zenodo.describe(record))
        else:
            newest = self.zenodo.find_newest(number)
            found = newest if newest is not None and newest.concept_answers == "302" else None
            self._answer_redirect(302, found)

    def _answer_redirect(self, status: int, record: FakeRecord | None) -> None:
        if record is None:
            self._answer_json(404, {"status": 404, "message": "The persistent identifier does not exist."})
        else:
            self._send(status, b"", {"Location": f"/api/records/{record.number}"})

    def _answer_file(self, number: int, name: str, fault: Fault | None) -> None:
        record = self.zenodo.find(number)
        if record is None or name not in record.files:
            self._answer_json(404, {"status": 404, "message": f"Record '{number}' has no file '{name}'."})
            return
        if record.access != "open":
            self._answer_json(403, {"status": 403, "message": "Permission denied."})
            return
        content = record.files[name]
        headers = {"Content-Type": "application/octet-stream", "ETag": f'"{len(content)}"'}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status, start = 200, 0
        if asked and self.zenodo.ranges:
            start = 0 if fault is not None and fault.kind == "other-range" else int(asked[1])
            if start >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send_body(status, content[start:], headers, fault)

    def _send_body(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        kind = fault.kind if fault is not None else None
        if kind == "truncate":
            self._send(status, body[: len(body) // 2], headers, promised=len(body))
            self.close_connection = True
        elif kind == "short" and fault is not None:
            self._send(status, body[: fault.count], headers)
        elif kind == "excess":
            self._send(status, body + body, headers)
        elif kind == "stall":
            self._send(status, b"", headers, promised=len(body))
            self.zenodo.released.wait()
            self.close_connection = True
        elif kind == "gzip":
            self._send(status, body, {**headers, "Content-Encoding": "gzip"})
        else:
            self._send(status, body, headers)

    def _answer_json(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        limits = {"X-RateLimit-Limit": "133", "X-RateLimit-Remaining": "99", "X-RateLimit-Reset": "1700000000"}
        # Zenodo sends Retry-After with every answer; only with 429 does it mean anything.
        self._send(status, body, {"Content-Type": "application/json", "Retry-After": "60", **limits})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], promised: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
