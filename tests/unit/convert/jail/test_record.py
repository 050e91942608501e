"""The line in which a jailed process tells its layers, and what is made of it."""

import pytest

from webipred.convert.jail.record import JailRecord, parse_record

WHOLE = JailRecord(held=("landlock", "namespaces", "rlimits", "seccomp"))
PART = JailRecord(held=("rlimits", "seccomp"), missing=("landlock", "namespaces"), reasons=("no", "denied"))


@pytest.mark.parametrize("record", [WHOLE, PART, JailRecord(held=("rlimits",), waived=True), JailRecord()])
def test_a_record_survives_its_line(record: JailRecord) -> None:
    assert (record, b"and more\n") == parse_record(record.to_line() + b"and more\n")


@pytest.mark.parametrize(
    "line", [b"", b"hello\n", b"webipred-jail no json\n", b"webipred-jail {}\n", b"webipred-jail []\n"]
)
def test_another_first_line_is_no_record(line: bytes) -> None:
    assert (None, line) == parse_record(line)


def test_only_the_first_line_counts() -> None:
    assert None is parse_record(b"hello\n" + WHOLE.to_line())[0]


def test_texts_of_a_record_are_plain_and_short() -> None:
    found, _ = parse_record(JailRecord(missing=("landlock",), reasons=("\x1b[31m" + "x" * 500,)).to_line())
    assert found is not None
    assert (True, True) == (found.reasons[0].isprintable(), len(found.reasons[0]) <= 210)


@pytest.mark.parametrize(("record", "isolated", "complete"), [(WHOLE, True, True), (PART, True, False)])
def test_a_part_of_the_layers_isolates_but_is_not_complete(record: JailRecord, isolated: bool, complete: bool) -> None:
    assert (isolated, complete) == (record.isolated, record.complete)


def test_limits_alone_are_no_isolation() -> None:
    assert not JailRecord(held=("rlimits",)).isolated
