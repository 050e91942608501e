import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from webipred.errors import UsageError
from webipred.site.preview import read_folder_policy, serve_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "models/a").mkdir(parents=True)
    (site / "assets").mkdir()
    (site / "index.html").write_text("start")
    (site / "404.html").write_text("missing")
    (site / "models/a/index.html").write_text("card")
    (site / "assets/x.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    (site / "link").symlink_to(tmp_path / "secret.txt")
    return site


@pytest.fixture
def server(folder: Path) -> Iterator[ThreadingHTTPServer]:
    server = serve_site(folder, port=0, prefix="/some/sub")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server: ThreadingHTTPServer, path: str, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/some/sub/", b"start"), ("/some/sub/models/a/", b"card"), ("/some/sub/models/a/index.html?x=1", b"card")],
)
def test_files_and_folders_are_delivered(server: ThreadingHTTPServer, path: str, body: bytes) -> None:
    assert (200, body) == ask(server, path)[:2]


def test_webassembly_has_its_type_and_no_policy_header_is_added(server: ThreadingHTTPServer) -> None:
    headers = ask(server, "/some/sub/assets/x.wasm")[2]
    assert "application/wasm" == headers["content-type"]
    assert {"server", "date", "content-type", "content-length", "cache-control"} == set(headers)


def test_a_folder_without_slash_is_redirected(server: ThreadingHTTPServer) -> None:
    status, _, headers = ask(server, "/some/sub/models/a")
    assert (301, "/some/sub/models/a/") == (status, headers["location"])


@pytest.mark.parametrize(
    "path",
    [
        "/", "/some/subs", "/some/sub/models/", "/some/sub/assets/", "/some/sub/none", "/some/sub/../../secret.txt",
        "/some/sub/%2e%2e/secret.txt", "/some/sub/..%5csecret.txt", "/some/sub/link", "/some/sub//etc/passwd",
        "/some/sub/x%00", "/some/sub/models/../index.html",
    ],
)  # fmt: skip
def test_nothing_else_is_delivered_and_no_folder_is_listed(server: ThreadingHTTPServer, path: str) -> None:
    assert (404, b"missing") == ask(server, path)[:2]


def test_head_has_the_length_and_no_body(server: ThreadingHTTPServer) -> None:
    status, body, headers = ask(server, "/some/sub/", "HEAD")
    assert (200, b"", "5") == (status, body, headers["content-length"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_and_head_are_answered(server: ThreadingHTTPServer, method: str) -> None:
    assert 501 == ask(server, "/some/sub/", method)[0]


def test_headers_can_be_added(folder: Path) -> None:
    server = serve_site(folder, port=0, headers={"X-Test": "1"})
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    assert "1" == ask(server, "/")[2]["x-test"]
    thread.join()
    server.server_close()


def test_with_a_policy_each_file_comes_with_its_own_headers_and_queries_are_refused(folder: Path) -> None:
    server = serve_site(folder, port=0, prefix="/a/", policy=read_folder_policy(folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    page, script = ask(server, "/a/")[2], ask(server, "/a/assets/x.wasm")[2]
    assert ("no-cache", "public, max-age=31536000, immutable") == (page["cache-control"], script["cache-control"])
    assert "default-src 'none'; frame-ancestors 'none'" == page["content-security-policy"]
    assert "default-src 'none'; frame-ancestors 'none'; sandbox" == script["content-security-policy"]
    assert "require-corp" == ask(server, "/a/none")[2]["cross-origin-embedder-policy"]
    assert 400 == ask(server, "/a/?x")[0]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_without_a_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no index\.html here\. Run `webipred-build build`"):
        serve_site(tmp_path)


def test_a_taken_port_is_refused_with_its_address(folder: Path, server: ThreadingHTTPServer) -> None:
    with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{server.server_port}"):
        serve_site(folder, port=server.server_port)
