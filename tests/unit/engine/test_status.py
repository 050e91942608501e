"""The status codes mirror the C header, and each has a sentence."""

import re
from pathlib import Path

import pytest

from webipred.engine.status import PROBLEMS, Status, explain_status


def test_python_has_the_numbers_of_the_c_header(repository: Path) -> None:
    header = (repository / "builder/engine/engine.h").read_text(encoding="utf-8")
    declared = {name: int(number) for name, number in re.findall(r"STATUS_(\w+) = (\d+)", header)}
    assert declared == {status.name: status.value for status in Status}


def test_the_documentation_lists_the_same_numbers(repository: Path) -> None:
    text = (repository / "docs/preprocessor.md").read_text(encoding="utf-8")
    listed = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    assert listed == {status.name: status.value for status in Status}


def test_every_failure_has_a_sentence() -> None:
    assert set(Status) - {Status.OK} == set(PROBLEMS)


@pytest.mark.parametrize("code", [99, 0xFFFFFFFF])
def test_an_unknown_number_is_an_internal_fault(code: int) -> None:
    assert "E-PREPROCESS-INTERNAL" == explain_status(code).findings[0].code
