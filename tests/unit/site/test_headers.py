"""The policy model: what each class of file is sent with."""

import pytest

from webipred.site.headers import classify, find_media_type, read_serving_policy
from webipred.site.policy import parse_policy, unite_policies
from webipred.site.servers import render_headers_file, render_nginx, render_server_files

META = '<head><meta http-equiv="Content-Security-Policy" content="{}">'
PAGE = META.format("default-src &#39;none&#39;; style-src 'sha256-A='; connect-src 'none'").encode()
OTHER = META.format("default-src 'none'; style-src 'sha256-B='; connect-src 'self'").encode()
WORKSPACE = META.format("default-src 'none'; script-src 'sha256-S='; connect-src 'self'").encode()
POLICY = read_serving_policy([("a.html", PAGE), ("b.html", OTHER), ("predict/index.html", WORKSPACE), ("x.js", b"")])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("index.html", "page"),
        ("de/index.html", "page"),
        ("predict/index.html", "workspace"),
        ("sw.js", "worker"),
        ("assets/0123.js", "data"),
        ("manifest.json", "data"),
        ("SHA256SUMS", "data"),
    ],
)
def test_every_file_belongs_to_a_class(path: str, expected: str) -> None:
    assert expected == classify(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.wasm", "application/wasm"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.plan", "application/octet-stream"),
        ("SHA256SUMS", "application/octet-stream"),
    ],
)
def test_types_follow_from_the_ending(path: str, expected: str) -> None:
    assert expected == find_media_type(path)


def test_static_pages_are_sent_what_any_of_them_needs_and_no_frame() -> None:
    expected = "default-src 'none'; style-src 'sha256-A=' 'sha256-B='; connect-src 'self'; frame-ancestors 'none'"
    assert expected == POLICY.list_headers("a.html")["Content-Security-Policy"]


def test_the_workspace_is_sent_its_own_policy() -> None:
    expected = "default-src 'none'; script-src 'sha256-S='; connect-src 'self'; frame-ancestors 'none'"
    assert expected == POLICY.list_headers("predict/index.html")["Content-Security-Policy"]


def test_a_script_that_is_started_as_a_worker_reaches_nothing() -> None:
    headers = POLICY.list_headers("assets/0.js")
    assert "default-src 'none'; frame-ancestors 'none'; sandbox" == headers["Content-Security-Policy"]
    assert "()" == headers["Connection-Allowlist"]


def test_the_service_worker_may_fetch() -> None:
    headers = POLICY.list_headers("sw.js")
    assert "default-src 'none'; connect-src 'self'" == headers["Content-Security-Policy"]
    assert "(response-origin)" == headers["Connection-Allowlist"]


def test_the_vault_may_be_isolated_whatever_its_origin() -> None:
    assert "cross-origin-isolated=*" in POLICY.list_headers("index.html")["Permissions-Policy"]


def test_only_files_that_never_change_are_kept_for_ever() -> None:
    assert "public, max-age=31536000, immutable" == POLICY.list_headers("assets/0.wasm")["Cache-Control"]
    for path in ("index.html", "manifest.json", "sw.js", "predict/index.html"):
        assert "no-cache" == POLICY.list_headers(path)["Cache-Control"]


def test_policies_unite_to_what_any_of_them_permits() -> None:
    first, second = (
        parse_policy("default-src 'none'; img-src 'none'"),
        parse_policy("default-src 'none'; img-src 'self'"),
    )
    assert "default-src 'none'; img-src 'self'" == str(unite_policies([first, second]))
    assert "default-src 'none'" == str(unite_policies([]))


def test_every_server_has_its_file() -> None:
    names = ["policies/nginx.conf", "policies/apache.conf", "policies/Caddyfile", "policies/_headers"]
    assert names == [path for path, _ in render_server_files(POLICY)]


def test_a_nginx_location_repeats_all_headers() -> None:
    """add_header in an inner location drops those of the outer one."""
    text = render_nginx(POLICY)
    assert (
        5 == text.count("add_header Cross-Origin-Embedder-Policy ") == text.count("limit_except") == text.count("400")
    )


def test_a_headers_file_names_no_header_in_two_rules() -> None:
    """Hosts that read it join equal names with a comma."""
    names = [line.split(":")[0].strip() for line in render_headers_file(POLICY).splitlines() if line.startswith("  ")]
    assert sorted(set(names)) == sorted(names)
