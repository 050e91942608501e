"""Untrusted JSON: bombs, doubles and non-numbers are refused with a sentence."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webipred.convert.json_text import MAX_DEPTH, nesting_depth, parse_json
from webipred.errors import FindingsError


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[" * 10_000, "here: the JSON text is nested deeper than 100 levels."),
        (b'{"a": 1, "b": {"k": 1, "k": 2}}', "here: the key 'k' stands twice in one object."),
        (b'{"a": NaN}', "here: NaN is not a JSON number."),
        (b'{"a": -Infinity}', "here: -Infinity is not a JSON number."),
        (b"{", "here: this is not JSON: "),
        (b"\xff\xfe", "here: this is not JSON: "),
        (b" " * 2001, "here: the JSON text has 2001 bytes, the limit is 2000."),
    ],
)
def test_bad_json_is_refused(data: bytes, expected: str) -> None:
    with pytest.raises(FindingsError) as caught:
        parse_json(data, "here", 2000 if len(data) < 9999 else 1 << 20)
    assert str(caught.value).startswith(expected)


def test_brackets_in_strings_do_not_nest() -> None:
    assert 2 == nesting_depth(b'{"a\\"[[[": ["]]]{{{\\\\"]}')


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.binary(max_size=60) | st.text(alphabet='{}[]",:1eE.-\\ua', max_size=60).map(str.encode))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    try:
        value = parse_json(data, "here", 1000)
    except FindingsError as error:
        assert error.findings  # noqa: PT017 - either outcome is right
    else:
        assert value == json.loads(data)


def test_the_depth_that_is_allowed_is_read() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "here", 1000)
