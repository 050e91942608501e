"""`verify` as a person runs it: output, reports and exit codes."""

import json
import shutil
from pathlib import Path

import pytest

from command_line import run_command, run_inside
from site_copies import write_small_site
from webipred.digests import hash_file
from webipred.errors import NetworkError, UsageError


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_site(tmp_path_factory.mktemp("verify"))


def test_a_sound_copy_pinned_by_its_digest_passes_strictly(site: Path) -> None:
    digest = hash_file(site / "SHA256SUMS")
    result = run_command("verify", site, "--digest", digest.upper(), "--strict", cwd=site.parent)
    assert (0, "") == (result.returncode, result.stderr)
    assert result.stdout.startswith(f"PASSED: {site}\n")


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--strict",), 1)])
def test_a_copy_without_a_trust_root_is_a_warning(site: Path, flags: tuple[str, ...], code: int) -> None:
    result = run_inside("verify", site, *flags)
    assert (code, True) == (result.exit_code, "W-VERIFY-UNPINNED" in result.stderr)


def test_a_changed_file_fails_and_stands_in_every_report(site: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(site, tmp_path / "copy"))
    (copy / "index.html").write_bytes(b"<!doctype html>")
    reports = [tmp_path / name for name in ("report.json", "report.txt", "report.html")]
    result = run_inside("verify", copy, *[item for path in reports for item in ("--report", path)])
    assert (1, True) == (result.exit_code, result.stdout.startswith("FAILED"))
    assert ["index.html"] == json.loads(reports[0].read_text(encoding="utf-8"))["changed"]
    assert all("E-VERIFY-CHANGED" in path.read_text(encoding="utf-8") for path in reports)


def test_another_build_is_not_the_reference(site: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(site, tmp_path / "copy"))
    with (copy / "SHA256SUMS").open("ab") as stream:
        stream.write(b"0" * 64 + b"  more.txt\n")
    result = run_inside("verify", copy, "--reference", site)
    assert (1, True) == (result.exit_code, "E-VERIFY-PIN" in result.stderr)


@pytest.mark.parametrize(
    "arguments", [("/no/such/folder",), (".", "--digest", "abc"), (".", "--digest", "a" * 64, "--reference", ".")]
)
def test_a_call_that_cannot_work_ends_with_the_code_for_usage(site: Path, arguments: tuple[str, ...]) -> None:
    result = run_inside("verify", *(str(site) if word == "." else word for word in arguments))
    assert isinstance(result.exception, UsageError)


def test_a_server_that_is_not_there_ends_with_the_code_for_the_network() -> None:
    assert isinstance(run_inside("verify", "http://127.0.0.1:9/").exception, NetworkError)
