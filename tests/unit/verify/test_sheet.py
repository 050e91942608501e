"""The sheet for a data protection officer: what it says in both languages. That it is one page, Chromium tells."""

import re
from pathlib import Path

import pytest

import webipred
from webipred.verify.sheet import render_sheet
from webipred.verify.verification import NO_PIN, pin_reference, verify_folder

VERIFIER = f"webipred {webipred.__version__}"
TIME = "2026-01-02 03:04 UTC"


def read(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)).split())


def test_a_passed_copy_says_what_was_checked_when_by_which_version_and_how_to_repeat_it(
    built: Path, copy: Path
) -> None:
    verification = verify_folder(copy, "webipred 1", pin_reference(built))
    text = read(render_sheet(verification, TIME, "en", strict=False))
    wanted = [str(copy), TIME, "Checked by webipred 1", verification.build_id, verification.sums_sha256, "Signature"]
    assert [] == [words for words in wanted if words not in text]
    assert f"webipred-build verify {copy} --digest {verification.sums_sha256}" in text


@pytest.mark.parametrize(("language", "result"), [("en", "Failed: the copy must not"), ("de", "Nicht bestanden: Die")])
def test_a_failed_copy_says_so_first_and_names_the_file(copy: Path, language: str, result: str) -> None:
    (copy / "index.html").write_bytes(b"")
    text = read(render_sheet(verify_folder(copy, "webipred 1", NO_PIN), TIME, language, strict=False))
    assert result in text
    assert "error: index.html: is not the built file" in text


def test_a_copy_that_was_compared_with_its_own_list_only_says_so(copy: Path) -> None:
    text = read(render_sheet(verify_folder(copy, VERIFIER, NO_PIN), TIME, "en", strict=False))
    assert "Passed, but compared with its own list only" in text


def test_names_of_files_are_shown_as_text(copy: Path) -> None:
    (copy / "<b>").write_bytes(b"")
    assert "<b>" not in render_sheet(verify_folder(copy, "webipred 1", NO_PIN), TIME, "en", strict=False)


def test_findings_beyond_the_page_are_counted(copy: Path) -> None:
    for number in range(20):
        (copy / f"extra{number}").write_bytes(b"")
    text = read(render_sheet(verify_folder(copy, VERIFIER, NO_PIN), TIME, "en", strict=False))
    assert "… and 17 more; the JSON report has all of them." in text
