"""Archives whose bytes depend on names and contents only."""

import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from webipred.delivery.archive import write_archive
from webipred.digests import hash_file
from webipred.errors import FindingsError

FILES = [("a/one.txt", b"1"), ("a/b/two.bin", bytes(range(256)))]


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_two_archives_of_the_same_files_are_the_same_bytes(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path / f"first{ending}", FILES)
    monkeypatch.setattr("time.time", lambda: 4e9)  # a later day
    write_archive(tmp_path / f"second{ending}", FILES)
    assert hash_file(tmp_path / f"first{ending}") == hash_file(tmp_path / f"second{ending}")


def test_a_zip_file_gives_back_what_was_packed(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert FILES == [(name, archive.read(name)) for name in archive.namelist()]
        assert {0o100644} == {entry.external_attr >> 16 for entry in archive.infolist()}


def test_a_tar_file_gives_back_what_was_packed(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar", FILES)
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert [name for name, _ in FILES] == archive.getnames()
        assert {(0, 0, 0, 0o644)} == {(item.mtime, item.uid, item.gid, item.mode) for item in archive}


def test_the_system_s_tar_reads_it(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar", FILES)
    subprocess.run(["tar", "-xf", "a.tar"], cwd=tmp_path, check=True)  # noqa: S607
    assert b"1" == (tmp_path / "a/one.txt").read_bytes()


def test_a_failure_leaves_an_earlier_archive_and_nothing_half_made(tmp_path: Path) -> None:
    def fail_half_way() -> Iterator[tuple[str, bytes]]:
        yield FILES[0]
        raise KeyboardInterrupt

    (tmp_path / "a.zip").write_bytes(b"earlier")
    with pytest.raises(KeyboardInterrupt):
        write_archive(tmp_path / "a.zip", fail_half_way())
    assert [(tmp_path / "a.zip")] == list(tmp_path.iterdir())
    assert b"earlier" == (tmp_path / "a.zip").read_bytes()


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="E-BUNDLE-WRITE"):
        write_archive(tmp_path / "missing/a.zip", FILES)
