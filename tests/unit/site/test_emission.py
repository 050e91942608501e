import pytest

from webipred.site.emission import check_emission, find_addresses, hash_source
from webipred.site.table import FileTable

STYLE = "p{color:red}"
POLICY = f"default-src 'none'; style-src {hash_source(STYLE)}; script-src {hash_source('start()')}"
META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
GOOD = (
    f"<!doctype html><html><head>{META}<title>x</title><style>{STYLE}</style></head>"
    '<body><a href="https://doi.org/10.1/x">doi</a><a href="../models/">m</a><script>start()</script></body></html>'
)


def codes(html: str) -> list[str]:
    return [finding.code for finding in check_emission(FileTable([("a/index.html", html.encode())]))]


def test_a_page_that_keeps_its_policy_passes() -> None:
    assert [] == codes(GOOD)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (META, "", "E-EMIT-POLICY"),
        (META, f"<meta charset=utf-8>{META}", "E-EMIT-POLICY"),
        ("default-src 'none'", "default-src 'self'", "E-EMIT-POLICY"),
        ("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'", "E-EMIT-POLICY"),
        ("default-src 'none'", "default-src 'none'; img-src https://a.b", "E-EMIT-POLICY"),
        ("default-src 'none'", "default-src 'none'; connect-src *", "E-EMIT-POLICY"),
        ("<title>", "<base href='x/'><title>", "E-EMIT-BASE"),
        ("<title>", "<meta http-equiv=refresh content='0;url=x'><title>", "E-EMIT-REFRESH"),
        ("<title>", "<link rel=stylesheet href=x.css><title>", "E-EMIT-LINK"),
        ("<title>", "<script>planted()</script><title>", "E-EMIT-HASH"),
        ("start()</script>", "stop()</script>", "E-EMIT-HASH"),
        ("<style>p", "<style>b", "E-EMIT-HASH"),
        ("<script>", "<script src='x.js'></script><script>", "E-EMIT-SCRIPT"),
        ("<body>", "<body onload=x()>", "E-EMIT-HANDLER"),
        ("<body>", "<body style='color:red'>", "E-EMIT-STYLE"),
        ("../models/", "/models/", "E-EMIT-ROOT"),
        ("../models/", "http://a.b/", "E-EMIT-FOREIGN-URL"),
        ("../models/", "javascript:x()", "E-EMIT-FOREIGN-URL"),
        ("<body>", "<body><img src='https://a.b/c.png'>", "E-EMIT-FOREIGN-URL"),
        ("<body>", "<body><img src='//a.b/c.png'>", "E-EMIT-FOREIGN-URL"),
        ("<title>", "<link rel=preconnect href=https://a.b><title>", "E-EMIT-FOREIGN-URL"),
    ],
)
def test_a_page_that_breaks_its_policy_is_found(old: str, new: str, code: str) -> None:
    assert old in GOOD
    assert code in codes(GOOD.replace(old, new))


@pytest.mark.parametrize("path", ["a.js", "a.css", "a.svg"])
def test_the_address_of_another_host_in_code_is_found(path: str) -> None:
    (finding,) = check_emission(FileTable([(path, b'fetch("https://evil.example/x")')]))
    assert ("E-EMIT-FOREIGN-URL", f"site: {path}") == (finding.code, finding.where)
    assert "'https://evil.example/x'" in finding.what


def test_a_websocket_address_and_an_escaped_one_are_found() -> None:
    table = FileTable([("a.js", rb'new WebSocket("wss://a.b"); "https:\/\/c.d"')])
    assert 2 == len(check_emission(table))


def test_names_of_xml_vocabularies_and_displayed_addresses_are_allowed() -> None:
    table = FileTable([("a.js", b'"http://www.w3.org/2000/svg"; "https://example.org/contact"')])
    assert [] == check_emission(table, ["https://example.org/contact"])


def test_a_longer_address_than_the_displayed_one_is_found() -> None:
    table = FileTable([("a.js", b'"https://example.org.evil.example/"')])
    assert ["E-EMIT-FOREIGN-URL"] == [finding.code for finding in check_emission(table, ["https://example.org"])]


def test_addresses_are_found_in_texts() -> None:
    assert ("http://c.d", "https://a.b/x?y=1") == find_addresses(["see https://a.b/x?y=1 and", '"http://c.d"'])
