"""Exit codes of findings, and progress of several transfers at once."""

import io

import pytest
from rich.console import Console

from webipred.cli.output import ConsoleProgress, judge_exit
from webipred.findings import Finding


@pytest.mark.parametrize(
    ("codes", "strict", "expected"),
    [
        ((), False, 0),
        (("N-ENTRY-DRAFT",), True, 0),
        (("W-LOCK-MISSING",), False, 0),
        (("W-LOCK-MISSING",), True, 1),
        (("E-HTTP-DNS",), False, 3),
        (("E-HTTP-DNS", "E-OFFLINE-CACHE", "W-LOCK-MISSING"), False, 3),
        (("E-HTTP-DNS", "W-LOCK-MISSING"), True, 1),
        (("E-HTTP-DNS", "E-CLASS-ORDER"), False, 1),
    ],
)
def test_the_exit_code_follows_the_findings(codes: tuple[str, ...], strict: bool, expected: int) -> None:
    findings = [Finding(code=code, where="entry", what="what") for code in codes]
    assert expected == judge_exit(findings, strict=strict)


def test_every_transfer_has_its_own_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ConsoleProgress(Console(file=io.StringIO()))
    first, second = progress.start("a.onnx", 2), progress.start("b.onnx", 2)
    first.reach(1)
    second.finish(complete=False)
    first.finish(complete=True)
    assert "could not fetch b.onnx\nfetched a.onnx\n" == capsys.readouterr().err


def test_every_transfer_has_its_own_bar_on_a_terminal() -> None:
    screen = io.StringIO()
    progress = ConsoleProgress(Console(file=screen, force_terminal=True, width=100))
    first, second = progress.start("[a].onnx", 2), progress.start("b.onnx", 2)
    first.reach(2)
    second.reach(1)
    second.finish(complete=False)
    first.finish(complete=True)
    last = screen.getvalue().rsplit("[a].onnx", 1)[1]
    assert ("100%" in last or "2/2 bytes" in last, "b.onnx" in last) == (True, False)
