import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bundles
from webipred.errors import FindingsError
from webipred.site.assembly import Site, assemble_site
from webipred.site.table import FileTable
from webipred.site.writing import write_site


@pytest.fixture(scope="module")
def site() -> Site:
    catalog = bundles.make_catalog()
    assets = bundles.make_assets()
    return assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), assets.__getitem__)


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_holds_the_table_and_nothing_else(site: Site, tmp_path: Path) -> None:
    write_site(site, tmp_path / "deep/dist")
    assert dict(site.table) == read_folder(tmp_path / "deep/dist")
    assert ["dist"] == list_names(tmp_path / "deep")


def test_the_checksums_are_right_for_sha256sum(site: Site, tmp_path: Path) -> None:
    write_site(site, tmp_path / "dist")
    lines = (tmp_path / "dist/SHA256SUMS").read_text().splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in read_folder(tmp_path / "dist").items()}
    assert digests.pop("SHA256SUMS")
    assert digests == listed


def test_an_earlier_site_is_replaced_whole(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    write_site(site, out)
    (out / "left-over.html").write_text("old")
    write_site(site, out)
    assert dict(site.table) == read_folder(out)
    assert ["dist"] == list_names(tmp_path)


def test_an_empty_folder_is_taken(site: Site, tmp_path: Path) -> None:
    write_site(site, tmp_path)
    assert (tmp_path / "index.html").is_file()


FOREIGN_FOLDERS: list[dict[str, str]] = [
    {"thesis.txt": "x"},
    {"manifest.json": "{}"},
    {"manifest.json": "[]"},
    {"manifest.json": '{"generator": "other 1"}'},
]


@pytest.mark.parametrize("content", FOREIGN_FOLDERS)
def test_a_folder_that_is_not_ours_stays_untouched(site: Site, tmp_path: Path, content: dict[str, str]) -> None:
    out = tmp_path / "documents"
    out.mkdir()
    for name, text in content.items():
        (out / name).write_text(text)
    with pytest.raises(FindingsError, match=r"is not empty and holds no manifest\.json of an earlier site"):
        write_site(site, out)
    assert {name: text.encode() for name, text in content.items()} == read_folder(out)
    assert ["documents"] == list_names(tmp_path)


def test_a_file_in_the_way_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "dist").write_text("x")
    with pytest.raises(FindingsError, match="is not a folder"):
        write_site(site, tmp_path / "dist")


def test_a_link_in_the_way_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "dist").symlink_to(tmp_path / "real")
    with pytest.raises(FindingsError, match="is not a folder"):
        write_site(site, tmp_path / "dist")


def test_an_interrupt_in_the_middle_leaves_the_earlier_site(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "dist"
    write_site(site, out)
    before, synced = read_folder(out), os.fsync

    def interrupt(descriptor: int) -> None:
        if len(list(tmp_path.rglob("*.html"))) > len(before) // 2:
            raise KeyboardInterrupt
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_site(site, out)
    assert before == read_folder(out)
    assert ["dist"] == list_names(tmp_path)


@pytest.mark.parametrize("part", ["dist", ".new-"], ids=["first rename", "second rename"])
def test_a_failed_swap_brings_the_earlier_site_back(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    out = tmp_path / "dist"
    write_site(site, out)
    before, rename = read_folder(out), Path.rename

    def fail(source: Path, target: Path) -> Path:
        if source.name.startswith("dist") if part == "dist" else part in source.name:
            raise PermissionError(13, "denied")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(FindingsError, match=r"could not be written \(denied\); an earlier one is untouched"):
        write_site(site, out)
    assert before == read_folder(out)
    assert ["dist"] == list_names(tmp_path)


def test_what_a_killed_run_left_is_removed_after_a_day(site: Site, tmp_path: Path) -> None:
    for name, age_s in ((".dist.new-old", 90_000), (".dist.new-fresh", 60), (".other.new-x", 90_000)):
        (tmp_path / name).mkdir()
        moment = time.time() - age_s
        os.utime(tmp_path / name, (moment, moment))
    write_site(site, tmp_path / "dist")
    assert [".dist.new-fresh", ".other.new-x", "dist"] == list_names(tmp_path)


def test_a_run_that_is_killed_leaves_the_earlier_site(site: Site, tmp_path: Path) -> None:
    write_site(site, tmp_path / "dist")
    before = read_folder(tmp_path / "dist")
    script = (
        "import os, bundles; from pathlib import Path; from webipred.site.assembly import assemble_site;"
        "from webipred.site.writing import write_site; c = bundles.make_catalog(languages=['de']);"
        "s = assemble_site(c, [], [], bundles.make_assets().__getitem__); n = iter(range(9)); f = os.fsync;"
        "os.fsync = lambda d: os.kill(os.getpid(), 9) if next(n) > 5 else f(d); write_site(s, Path('dist'))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(bundles.__file__).parent)}
    killed = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False)
    assert -9 == killed.returncode
    assert before == read_folder(tmp_path / "dist")


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_web_server_may_read_everything_whatever_the_umask(site: Site, tmp_path: Path, umask: int) -> None:
    previous = os.umask(umask)
    try:
        write_site(site, tmp_path / "dist")
    finally:
        os.umask(previous)
    folders = [tmp_path / "dist", *(path for path in (tmp_path / "dist").rglob("*") if path.is_dir())]
    files = [path for path in (tmp_path / "dist").rglob("*") if path.is_file()]
    assert {0o755} == {path.stat().st_mode & 0o777 for path in folders}
    assert {0o644} == {path.stat().st_mode & 0o777 for path in files}


def test_sha256sum_itself_agrees(site: Site, tmp_path: Path) -> None:
    write_site(site, tmp_path / "dist")
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    try:
        outcome = subprocess.run(command, cwd=tmp_path / "dist", capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no sha256sum on this machine")
    assert (0, b"") == (outcome.returncode, outcome.stdout)


def test_two_sites_are_not_mixed(site: Site, tmp_path: Path) -> None:
    write_site(site, tmp_path / "dist")
    smaller = Site(
        table=FileTable([file for file in site.table if file[0] in ("index.html", "manifest.json")]),
        manifest=site.manifest,
        outcomes=(),
    )
    write_site(smaller, tmp_path / "dist")
    assert {"index.html", "manifest.json"} == set(read_folder(tmp_path / "dist"))
