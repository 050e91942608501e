"""The printed report: ratios first, dashes where nothing ran, the machine and every remark."""

from unit.bench.results import make_report
from webipred.bench.table import render_report, render_table

LINES = render_report(make_report()).splitlines()


def find_cells(first: str, start: int = 0) -> list[str]:
    line = next(line for line in LINES[start:] if line.startswith(f"| {first} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_ratios_come_before_times() -> None:
    headings = [line for line in LINES if line.startswith("# ")]
    assert headings[0].startswith("# Ratios")
    assert headings.index("# Times on this machine") > headings.index("# Agreement")


def test_the_first_table_compares_with_native() -> None:
    assert ["network", "onnxruntime-web 1t", "plain 1t", "plain 2t"] == [
        name for name in find_cells("network") if name != "native 2t"
    ]
    assert ["Two", "5.00", "8.00", "8.00"] == find_cells("Two")
    assert ["geometric mean, reference", "5.00", "4.00", "4.00"] == find_cells("geometric mean, reference")


def test_what_did_not_run_has_a_dash() -> None:
    start = LINES.index("Steady inference / onnxruntime-web:")
    assert ["One", "0.40", "–"] == find_cells("One", start)


def test_an_unknown_size_has_a_dash() -> None:
    assert ["plain", "140.7", "42.4", "–"] == find_cells("plain")


def test_the_machine_and_the_remarks_are_named() -> None:
    text = "\n".join(LINES)
    assert "Abacus; processors: 2; Linux x86_64; Chromium 1; onnxruntime 1; webipred 0. Load before 0.50" in text
    assert "- relaxed: left out" in LINES


def test_rounds_that_vary_are_remarked() -> None:
    assert [] == [line for line in LINES if "from the median" in line]  # one round of three is not half of them
    report = make_report()
    record = report.subjects[0].contestants[0].model_copy(update={"rounds_ms": [5.0, 10.0, 15.0], "steady_ms": 10.0})
    subject = report.subjects[0].model_copy(update={"contestants": [record]})
    text = render_report(report.model_copy(update={"subjects": [subject]}))
    assert "One, native 1t: half of the rounds are 50% or more from the median" in text


def test_columns_align() -> None:
    lines = render_table(["a", "long head"], [["longer", "1"], ["b", "2.25"]]).splitlines()
    assert ["| a      | long head |", "| ------ | --------: |", "| longer |         1 |"] == lines[:3]


def test_every_table_has_rows_of_equal_length() -> None:
    tables = [block.splitlines() for block in "\n".join(LINES).split("\n\n") if block.startswith("|")]
    assert 11 == len(tables)
    assert [] == [table for table in tables if len({line.count("|") for line in table}) != 1]
