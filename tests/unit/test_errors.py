"""The error tree and findings."""

import pytest

from webipred.errors import FindingsError, NetworkError, UsageError, WebipredError, refuse
from webipred.findings import Finding, has_errors


def make_finding(code: str) -> Finding:
    return Finding(code=code, where="catalog.yaml:3 a.id", what="is not allowed.", fix="Change it.")


def test_every_branch_has_its_own_exit_code() -> None:
    codes = [branch.exit_code for branch in (FindingsError, UsageError, NetworkError)]
    assert [1, 2, 3] == codes


def test_every_error_derives_from_the_root() -> None:
    assert {FindingsError, UsageError, NetworkError} == set(WebipredError.__subclasses__())


def test_a_finding_reads_as_where_what_and_what_to_do() -> None:
    assert "catalog.yaml:3 a.id: is not allowed. Change it. [E-X]" == str(make_finding("E-X"))


@pytest.mark.parametrize(("code", "severity"), [("E-A", "error"), ("W-A", "warning"), ("N-A", "note")])
def test_the_code_tells_the_severity(code: str, severity: str) -> None:
    assert severity == make_finding(code).severity


def test_a_code_without_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="must start with E-, W- or N-"):
        make_finding("X-1")


def test_warnings_are_no_errors() -> None:
    assert [False, True] == [has_errors([make_finding("W-A")]), has_errors([make_finding("W-A"), make_finding("E-A")])]


def test_refuse_carries_one_finding_in_its_sentence() -> None:
    assert "a: is wrong. Mend it. [E-A]" == str(refuse("E-A", "a", "is wrong.", "Mend it."))
