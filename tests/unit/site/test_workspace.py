"""The composed workspace page: pinned to the byte, and closed to what a catalog might try to put into it."""

import json
import re
from html.parser import HTMLParser

import pytest

from webipred.site.emission import hash_source
from webipred.site.manifest import EngineRef, FileRef, NetworksRef, SiteManifest
from webipred.site.workspace import render_workspace

FILE = FileRef(path="assets/0.js", sha256="0" * 64, size_bytes=1)
NETWORKS = NetworksRef(plain=FILE, plain_threads=FILE, relaxed=FILE, relaxed_threads=FILE)
SCRIPT = "const a=__WEBIPRED_SITE_MANIFEST__,b=__WEBIPRED_VAULT_HTML__;"


def make_manifest(title: str = "Models") -> SiteManifest:
    return SiteManifest(
        format_version=1,
        build_id="0123456789abcdef",
        generator="webipred test",
        title={"en": title},
        operator="Test",
        languages=["en"],
        engine=EngineRef(script=FILE, preprocess=FILE, networks=NETWORKS, fallback=None),
        models=[],
    )


def read_fake_asset(name: str) -> bytes:
    return {"shell.js": SCRIPT, "vault.js": "vault()", "vault.css": "b{}", "workspace.css": "i{}"}[name].encode()


class PageReader(HTMLParser):
    """Collects the policy, the first element of the head, and the inline sources."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.policy = ""
        self.sources: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("script", "style"):
            self.sources.setdefault(self.tags[-1], data)


def read_page(page: str) -> PageReader:
    reader = PageReader()
    reader.feed(page)
    return reader


def test_the_policy_is_the_first_element_of_the_head() -> None:
    assert ["html", "head", "meta"] == read_page(render_workspace(make_manifest(), read_fake_asset).decode()).tags[:3]


def test_the_policy_names_the_hashes_of_the_emitted_script_and_style() -> None:
    page = read_page(render_workspace(make_manifest(), read_fake_asset).decode())
    assert hash_source(page.sources["script"]) in page.policy
    assert hash_source(page.sources["style"]) in page.policy


def test_the_vault_stands_in_the_shell_script_with_a_policy_of_its_own() -> None:
    script = read_page(render_workspace(make_manifest(), read_fake_asset).decode()).sources["script"]
    match = re.search(r",b=(\".*\");", script)
    assert match is not None
    vault = read_page(json.loads(match[1]))
    assert "connect-src 'none'" in vault.policy
    assert hash_source("vault()") in vault.policy


def test_the_charset_stands_within_the_first_1024_bytes() -> None:
    page = render_workspace(make_manifest(), read_fake_asset)
    assert b'<meta charset="utf-8">' in page[:1024]


def test_a_title_cannot_end_the_script_or_name_a_place_in_it() -> None:
    title = "</script><script>alert(1)</script>__WEBIPRED_VAULT_HTML__ ü"
    page = render_workspace(make_manifest(title), read_fake_asset).decode()
    reader = read_page(page)
    assert reader.tags.count("script") == 1
    assert hash_source(reader.sources["script"]) in reader.policy
    assert "\\u003c/script>" in reader.sources["script"]
    assert "\\u00fc" in reader.sources["script"]


def test_a_shell_without_its_places_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shell.js names __WEBIPRED_SITE_MANIFEST__ 0 times instead of once"):
        render_workspace(make_manifest(), lambda name: b"x" if name == "shell.js" else read_fake_asset(name))
