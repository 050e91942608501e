"""A copy at an address: every file is fetched from a real server on this machine and judged with its headers."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

import webipred
from browser.server import run_host
from webipred.errors import FindingsError, NetworkError, UsageError
from webipred.site.headers import ServingPolicy, find_media_type
from webipred.site.preview import read_folder_policy, serve_site
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
def serve(folder: Path, headers: Mapping[str, str] | None = None, policy: ServingPolicy | None = None) -> Iterator[str]:
    """Serve `folder` below a sub-path, with the headers of `policy`, then `headers`, and yield its address."""
    server = serve_site(folder, port=0, prefix="/some/path/", headers=headers or {}, policy=policy)
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


def test_a_host_that_sends_the_policy_model_passes_strictly(built: Path) -> None:
    with serve(built, policy=read_folder_policy(built)) as url:
        verification = verify_address(url, VERIFIER, pin_reference(built))
    assert ([], True) == (list_findings(verification), verification.judge(strict=True))


def test_a_host_that_knows_no_rules_by_file_passes(built: Path) -> None:
    policy = read_folder_policy(built)
    same = {"Content-Security-Policy": str(policy.any_page), "Connection-Allowlist": "(response-origin)"}
    with serve(built, same, policy) as url:
        assert [] == list_findings(verify_address(url, VERIFIER, pin_reference(built)))


def test_a_host_that_may_be_framed_is_named(built: Path) -> None:
    policy = read_folder_policy(built)
    framed = str(policy.any_page).replace("frame-ancestors 'none'", "frame-ancestors *")
    with serve(built, {"Content-Security-Policy": framed}, policy) as url:
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


def test_a_wrong_media_type_is_named(built: Path) -> None:
    files = {path.relative_to(built).as_posix(): path.read_bytes() for path in built.rglob("*") if path.is_file()}
    with run_host(files) as host:
        host.types = {path: find_media_type(path) for path in files} | {"sw.js": "text/plain"}
        verification = verify_address(host.url, VERIFIER, pin_reference(built))
    assert [("E-VERIFY-TYPE", "sw.js")] == [item for item in list_findings(verification) if item[0].startswith("E-")]


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
