"""A copy at an address: every file is fetched from a real server on this machine and judged with its headers."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import webipred
from webipred.errors import FindingsError, NetworkError, UsageError
from webipred.site import preview
from webipred.site.headers import read_serving_policy
from webipred.site.preview import serve_site
from webipred.verify.headers import ExpectedHeaders
from webipred.verify.verification import Verification, pin_reference, verify_address
from webipred.verify.web import WebSite

VERIFIER = f"webipred {webipred.__version__}"
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=63072000",
}


def expect_all(path: str) -> Mapping[str, tuple[str, ...]]:
    return {name: (value,) for name, value in HEADERS.items()}


@contextmanager
def serve(folder: Path, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve `folder` below a sub-path and yield its address."""
    server = serve_site(folder, port=0, prefix="/some/path/", headers=headers or {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/some/path/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def verify(
    folder: Path, reference: Path, headers: Mapping[str, str] | None = None, expect: ExpectedHeaders | None = None
) -> Verification:
    with serve(folder, headers) as url:
        return verify_address(url, VERIFIER, pin_reference(reference), expect=expect)


def list_findings(verification: Verification) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in verification.findings]


@contextmanager
def serve_by_policy(folder: Path, changes: Mapping[str, str]) -> Iterator[str]:
    """Serve `folder` with every header of the policy model, file by file, but for `changes` on pages."""
    policy = read_serving_policy(
        (path.relative_to(folder).as_posix(), path.read_bytes()) for path in folder.rglob("*.html")
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/") + ("index.html" if self.path.endswith("/") else "")
            data = (folder / name).read_bytes()
            headers = {**policy.list_headers(name), **(changes if name.endswith(".html") else {})}
            self.send_response(200)
            for header, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_host_that_sends_the_policy_model_passes_strictly(built: Path) -> None:
    with serve_by_policy(built, {}) as url:
        verification = verify_address(url, VERIFIER, pin_reference(built))
    assert ([], True) == (list_findings(verification), verification.judge(strict=True))


def test_a_host_that_knows_one_policy_for_all_pages_passes(built: Path) -> None:
    pages = ((path.relative_to(built).as_posix(), path.read_bytes()) for path in built.rglob("*.html"))
    anywhere = str(read_serving_policy(pages).any_page)
    with serve_by_policy(built, {"Content-Security-Policy": anywhere}) as url:
        assert [] == list_findings(verify_address(url, VERIFIER, pin_reference(built)))


def test_a_host_that_may_be_framed_is_named(built: Path) -> None:
    pages = ((path.relative_to(built).as_posix(), path.read_bytes()) for path in built.rglob("*.html"))
    framed = str(read_serving_policy(pages).any_page).replace("frame-ancestors 'none'", "frame-ancestors *")
    with serve_by_policy(built, {"Content-Security-Policy": framed}) as url:
        findings = verify_address(url, VERIFIER, pin_reference(built)).findings
    assert {"E-VERIFY-HEADER"} == {finding.code for finding in findings}


def test_a_served_copy_passes_and_every_listed_file_was_fetched(built: Path, copy: Path) -> None:
    verification = verify(copy, built)
    assert ["W-VERIFY-HEADERLESS"] == [code for code, _ in list_findings(verification)]
    whole = sum(path.stat().st_size for path in built.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    assert whole == verification.read_bytes


def test_a_changed_and_a_missing_file_are_named(built: Path, copy: Path) -> None:
    (copy / "licenses/notice.txt").write_bytes(b"other")
    (copy / "build/report.json").unlink()
    verification = verify(copy, built)
    assert ("licenses/notice.txt",) == verification.differences.changed
    assert ("E-VERIFY-STATUS", "build/report.json") in list_findings(verification)


def test_a_host_that_hides_its_own_files_is_a_note(built: Path, copy: Path) -> None:
    (copy / ".nojekyll").unlink()
    verification = verify(copy, built, HEADERS, expect_all)
    assert [("N-VERIFY-HIDDEN", ".nojekyll")] == list_findings(verification)
    assert verification.judge(strict=True)


def test_a_wrong_media_type_is_named(built: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**preview.MIME_TYPES, ".js": "text/plain"}
    monkeypatch.setattr(preview, "MIME_TYPES", wrong)  # what the server sends; the check has its own table
    assert {"E-VERIFY-TYPE"} == {code for code, _ in list_findings(verify(copy, built, HEADERS, expect_all))}


def test_the_right_headers_pass(built: Path, copy: Path) -> None:
    assert [] == list_findings(verify(copy, built, HEADERS, expect_all))


def test_a_host_without_headers_is_one_warning_that_strict_counts(built: Path, copy: Path) -> None:
    verification = verify(copy, built)
    assert ["W-VERIFY-HEADERLESS"] == [code for code, _ in list_findings(verification)]
    assert (True, False) == (verification.judge(strict=False), verification.judge(strict=True))
    assert "isolation comes from the service worker" in verification.findings[0].what


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Cross-Origin-Opener-Policy", "unsafe-none", "E-VERIFY-HEADER"),
        ("Content-Security-Policy", "default-src *; frame-ancestors 'none'", "E-VERIFY-HEADER"),
    ],
)
def test_a_wrong_header_is_one_finding_for_all_addresses(
    built: Path, copy: Path, name: str, value: str, code: str
) -> None:
    findings = verify(copy, built, {**HEADERS, name: value}, expect_all).findings
    assert [code] == [finding.code for finding in findings]
    assert f"the header {name.lower()} is {value!r}" in findings[0].what


def test_other_caching_is_a_warning(built: Path, copy: Path) -> None:
    def expect(path: str) -> Mapping[str, tuple[str, ...]]:
        return {**expect_all(path), "Cache-Control": ("public, max-age=31536000, immutable",)}

    assert {"W-VERIFY-CACHE"} == {code for code, _ in list_findings(verify(copy, built, HEADERS, expect))}


def test_a_header_that_is_left_out_is_named(built: Path, copy: Path) -> None:
    sent = {name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"}
    findings = verify(copy, built, sent, expect_all).findings
    assert ["the header content-security-policy is not sent"] == [item.what.partition(" at ")[0] for item in findings]


def test_a_policy_may_be_written_in_another_order(built: Path, copy: Path) -> None:
    sent = {**HEADERS, "Content-Security-Policy": "frame-ancestors 'none';default-src 'none'"}
    assert [] == list_findings(verify(copy, built, sent, expect_all))


def test_an_address_without_a_site_is_refused(built: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"")
    with pytest.raises(FindingsError, match=r"answers 404.*E-VERIFY-SUMS"):
        verify(tmp_path, built)


def test_a_server_that_is_not_there_is_an_error_of_the_network() -> None:
    with WebSite("http://127.0.0.1:9/") as site, pytest.raises(NetworkError, match="could not be fetched"):
        site.read_sums()


@pytest.mark.parametrize(
    "url", ["http://user@host/", "https://host/?a=b", "https://host/#x", "https://", "ftp://host/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        WebSite(url)
