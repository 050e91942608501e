"""`bundle` as a person runs it: pack, unpack, verify."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from command_line import run_inside
from site_copies import write_small_site
from webipred.digests import hash_file
from webipred.errors import FindingsError


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_site(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def unpacked(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    assert 0 == run_inside("bundle", "--site", site, "--out", folder / "site.zip").exit_code
    with zipfile.ZipFile(folder / "site.zip") as archive:
        archive.extractall(folder)
    return next(path for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("ending", [".zip", ".tar"])
def test_two_archives_from_two_places_are_the_same_bytes(site: Path, tmp_path: Path, ending: str) -> None:
    copy = shutil.copytree(site, tmp_path / "elsewhere")
    for folder, name in ((site, "first"), (copy, "second")):
        assert 0 == run_inside("bundle", "--site", folder, "--out", tmp_path / f"{name}{ending}").exit_code
    assert hash_file(tmp_path / f"first{ending}") == hash_file(tmp_path / f"second{ending}")


def test_the_unpacked_site_passes_against_the_packed_one(site: Path, unpacked: Path) -> None:
    result = run_inside("verify", unpacked / "site", "--reference", site, "--strict")
    assert (0, "") == (result.exit_code, result.stderr)


def test_it_holds_policies_reports_and_instructions_in_two_languages(unpacked: Path) -> None:
    wanted = ["INSTALL.txt", "INSTALLATION.txt", "SHA256SUMS", "policies/nginx.conf", "reports/build-report.json",
              "reports/sbom.cdx.json", "reports/verification.json", "reports/verification.en.html",
              "reports/verification.de.html", "site/index.html"]  # fmt: skip
    assert [] == [path for path in wanted if not (unpacked / path).is_file()]


def test_the_instructions_name_the_digest_that_verify_asks_for(unpacked: Path) -> None:
    for name in ("INSTALL.txt", "INSTALLATION.txt"):
        text = (unpacked / name).read_text(encoding="utf-8")
        assert text.count(hash_file(unpacked / "site/SHA256SUMS")) == 2
        assert "{" not in text


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum on this machine")
def test_sha256sum_agrees_with_the_list_of_the_archive(unpacked: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert 0 == subprocess.run(command, cwd=unpacked, check=False).returncode
    listed = {line.split("  ")[1] for line in (unpacked / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    there = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert there - {"SHA256SUMS"} == listed


def test_nothing_tells_where_it_was_packed(site: Path, unpacked: Path) -> None:
    told = [path for path in unpacked.rglob("*") if path.is_file() and str(site.parent).encode() in path.read_bytes()]
    assert [] == told


def test_a_changed_site_is_not_packed(site: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(site, tmp_path / "changed"))
    (copy / "index.html").write_bytes(b"")
    result = run_inside("bundle", "--site", copy, "--out", tmp_path / "a.zip")
    assert isinstance(result.exception, FindingsError)
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize("name", ["a.rar", "missing/a.zip"])
def test_a_file_that_cannot_be_an_archive_is_refused_before_any_work(site: Path, tmp_path: Path, name: str) -> None:
    assert 2 == run_inside("bundle", "--site", site, "--out", tmp_path / name).exit_code
