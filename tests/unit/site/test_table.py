import pytest
from hypothesis import given
from hypothesis import strategies as st

from webipred.digests import hash_bytes
from webipred.errors import FindingsError
from webipred.site.table import FileTable, place_asset, split_bytes


def refused_codes(*paths: str) -> list[str]:
    with pytest.raises(FindingsError) as caught:
        FileTable([(path, b"") for path in paths])
    return [finding.code for finding in caught.value.findings]


def test_files_are_ordered_by_path() -> None:
    assert ("a.txt", "b/c.txt", "b.txt") != FileTable([("b.txt", b""), ("a.txt", b""), ("b/c.txt", b"")]).paths
    assert ("a.txt", "b.txt", "b/c.txt") == FileTable([("b.txt", b""), ("a.txt", b""), ("b/c.txt", b"")]).paths


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../b", "a//b", "a/", "", ".", "C:\\x", "a b", "é", "a\n"])
def test_paths_that_leave_the_site_or_need_escaping_are_refused(path: str) -> None:
    assert ["E-SITE-PATH"] == refused_codes(path)


def test_paths_that_differ_only_in_case_are_refused() -> None:
    assert ["E-SITE-DUPLICATE"] == refused_codes("models/a.html", "Models/A.html")


def test_a_file_where_a_folder_is_needed_is_refused() -> None:
    assert ["E-SITE-DUPLICATE"] == refused_codes("models", "models/a.html")


def test_all_bad_paths_are_named_at_once() -> None:
    assert ["E-SITE-PATH", "E-SITE-DUPLICATE"] == refused_codes("../x", "a", "A")


def test_a_file_over_95_megabytes_is_refused_with_its_size() -> None:
    with pytest.raises(FindingsError, match=r"95,000,001 bytes, more than the 95,000,000"):
        FileTable([("assets/x.onnx", bytes(95_000_001))])


def test_a_listed_file_carries_digest_and_size() -> None:
    (file,) = FileTable([("a", b"abc")]).list_files()
    assert ("a", hash_bytes(b"abc"), 3) == (file.path, file.sha256, file.size_bytes)


def test_an_unknown_path_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        FileTable([("a", b"abc")]).read("b")


def test_an_asset_is_named_after_its_bytes() -> None:
    assert (f"assets/{hash_bytes(b'abc')[:16]}.wasm", b"abc") == place_asset(b"abc", "wasm")


@given(st.binary(max_size=200), st.integers(min_value=1, max_value=50))
def test_parts_join_to_the_whole_and_keep_the_limit(data: bytes, limit: int) -> None:
    parts = split_bytes(data, limit)
    assert data == b"".join(parts)
    assert all(len(part) <= limit for part in parts)
    assert len(parts) == max(1, -(-len(data) // limit))
