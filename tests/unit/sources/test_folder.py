"""Files and folders beside the catalog: the same files give the same bytes, and nothing from outside comes in."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_cases import make_entry
from webipred.digests import hash_bytes
from webipred.errors import FindingsError
from webipred.sources.archive import SourceArchive
from webipred.sources.fetch import fetch_archive
from webipred.sources.options import FetchOptions
from webipred.sources.unpacking import read_members


def fetch(root: Path, path: str = "model", sha256: str | None = None) -> SourceArchive:
    source: dict[str, object] = {"type": "folder", "path": path, "sha256": sha256}
    return fetch_archive(make_entry(source), root / "catalog", None, FetchOptions(cache_dir=root / "cache"))


def refusal(root: Path, path: str = "model", sha256: str | None = None) -> str:
    with pytest.raises(FindingsError) as caught:
        fetch(root, path, sha256)
    assert [] == list((root / "cache" / "parts").glob("*"))
    return str(caught.value)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog" / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.json").write_bytes(b"{}")
    (folder / "sub" / "weights.bin").write_bytes(b"weights")
    return folder


def test_a_folder_becomes_a_zip_that_can_be_read_again(model: Path, tmp_path: Path) -> None:
    archive = fetch(tmp_path)
    assert ("model.zip", "model") == (archive.file, archive.origin)
    assert {"model.json": b"{}", "sub/weights.bin": b"weights"} == read_members(archive.path, sha256=archive.sha256)


def test_times_modes_and_order_do_not_change_the_bytes(model: Path, tmp_path: Path) -> None:
    before = fetch(tmp_path).sha256
    content = (model / "model.json").read_bytes()
    (model / "model.json").unlink()
    (model / "model.json").write_bytes(content)
    (model / "model.json").chmod(0o600)
    os.utime(model / "model.json", (1, 1))
    assert before == fetch(tmp_path).sha256


@settings(deadline=None, max_examples=40)  # no deadline: the machine may be busy
@given(st.dictionaries(st.from_regex(r"\A[a-z]{4,8}(/[a-z0-9]{5,8}){0,2}\.bin\Z"), st.binary(max_size=50), min_size=1))
def test_any_folder_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    root = tmp_path_factory.mktemp("folder")
    for name, content in files.items():
        path = root / "catalog" / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert files == read_members(fetch(root).path)


def test_a_file_is_copied_byte_for_byte(model: Path, tmp_path: Path) -> None:
    archive = fetch(tmp_path, "model/sub/weights.bin", hash_bytes(b"weights"))
    assert (b"weights", "weights.bin") == (archive.path.read_bytes(), archive.file)


def test_another_digest_than_the_catalogs_is_refused(model: Path, tmp_path: Path) -> None:
    assert (
        f"pneumonia-cxr.source: 'model/model.json' has sha256 {hash_bytes(b'{}')}, the catalog says {'0' * 64}. "
        "Restore the file, or correct sha256 if the change is wanted. [E-SOURCE-SHA256]"
    ) == refusal(tmp_path, "model/model.json", "0" * 64)


def test_a_digest_for_a_folder_is_refused(model: Path, tmp_path: Path) -> None:
    assert "'model' is a folder; sha256 is for files." in refusal(tmp_path, "model", "0" * 64)


def test_a_missing_path_is_refused(model: Path, tmp_path: Path) -> None:
    assert "'modle' does not exist beside the catalog. Correct the path" in refusal(tmp_path, "modle")


def test_an_empty_folder_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "catalog" / "empty").mkdir()
    assert "'empty' holds no file." in refusal(tmp_path, "empty")


def test_links_out_of_the_folder_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (model / "link").symlink_to(tmp_path / "secret")
    (model / "folder-link").symlink_to(tmp_path)
    message = refusal(tmp_path)
    assert "model/link: a link to a folder, or out of the folder, is not followed." in message
    assert "model/folder-link: a link to a folder" in message


def test_a_path_that_is_a_link_out_of_the_catalog_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "catalog" / "link").symlink_to(tmp_path / "secret")
    assert "'link' is a link that leaves the catalog's folder." in refusal(tmp_path, "link")


def test_a_pipe_is_refused(model: Path, tmp_path: Path) -> None:
    os.mkfifo(model / "pipe")
    assert "model/pipe: it is not an ordinary file." in refusal(tmp_path)


def test_a_name_that_no_zip_should_hold_is_refused(model: Path, tmp_path: Path) -> None:
    (model / "con").write_bytes(b"")
    assert "model/con: the part 'con' is a device name on Windows." in refusal(tmp_path)
