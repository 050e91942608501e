"""docs/hostile-inputs.md lists all 55 builder cases, with findings that are documented and tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/hostile-inputs.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+)(?:–(\d+))? \|(.*)\|$", TEXT, re.MULTILINE)


def test_every_case_has_one_row() -> None:
    numbers = [number for first, last, _ in ROWS for number in range(int(first), int(last or first) + 1)]
    assert list(range(1, 56)) == numbers


def test_every_finding_is_documented() -> None:
    documented = set(re.findall(r"^\| `([EWN]-[A-Z0-9-]+)` \|", (ROOT / "docs/findings.md").read_text(), re.MULTILINE))
    named = {code for _, _, row in ROWS for code in re.findall(r"`([EWN]-[A-Z0-9]+(?:-[A-Z0-9]+)+)`", row)}
    assert set() == named - documented


def test_every_named_file_of_tests_exists() -> None:
    paths = {path for _, _, row in ROWS for path in re.findall(r"`(tests/[\w/]+(?:\.py)?)`", row)}
    assert [] == sorted(path for path in paths if not (ROOT / path).exists())


def test_every_case_without_another_file_is_numbered_in_a_test_here() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    here = {int(number) for number in re.findall(r'"(\d\d)-[a-z]', sources)}
    here |= {
        int(number)
        for names in re.findall(r"def test_case_([\d_and]+)_", sources)
        for number in re.findall(r"\d+", names)
    }
    elsewhere = {int(first) for first, _, row in ROWS if "tests/" in row}
    expected = {number for first, last, _ in ROWS for number in range(int(first), int(last or first) + 1)}
    assert set() == expected - here - elsewhere
