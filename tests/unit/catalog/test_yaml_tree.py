"""Strict YAML: what is refused, in which line, and that texts stay texts."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from webipred.catalog.yaml_tree import MAX_BYTES, YamlMapping, YamlNode, YamlScalar, YamlSequence, parse_yaml
from webipred.errors import FindingsError

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=20)
VALUES = st.recursive(
    PRINTABLE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4), max_leaves=15
)


def simplify(node: YamlNode) -> object:
    match node:
        case YamlScalar():
            return node.text
        case YamlSequence():
            return [simplify(item) for item in node.items]
        case YamlMapping():
            return {key: simplify(item) for key, item in node.items.items()}


def refusal(data: bytes) -> list[str]:
    with pytest.raises(FindingsError) as caught:
        parse_yaml(data, "m.yaml")
    return [str(finding) for finding in caught.value.findings]


@settings(deadline=None, max_examples=60)  # no deadline: the machine may be busy
@given(VALUES)
def test_what_pyyaml_writes_comes_back_as_text(value: object) -> None:
    written = yaml.safe_dump(value, allow_unicode=True).encode()
    assert value == simplify(parse_yaml(written, "m.yaml"))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200) | st.text(" -:?[]{}&*!|>'\"#%@`,ab01\n\t\\", max_size=60).map(str.encode))
def test_any_bytes_give_a_tree_or_findings_with_codes(data: bytes) -> None:
    codes: set[str] = set()
    try:
        parse_yaml(data, "m.yaml")
    except FindingsError as error:
        codes = {finding.code[:7] for finding in error.findings}
    assert codes <= {"E-YAML-"}


@pytest.mark.parametrize("text", ["no", "yes", "on", "010", "0x1f", "1e3", "12:30:00", "2023-03-30", "1_000", "="])
def test_words_that_yaml_would_convert_stay_texts(text: str) -> None:
    assert {"key": text} == simplify(parse_yaml(f"key: {text}".encode(), "m.yaml"))


def test_lines_are_counted_from_one() -> None:
    tree = parse_yaml(b"# head\na: 1\nb:\n  - x\n  - y: z\n", "m.yaml")
    assert isinstance(tree, YamlMapping)
    assert {"a": 2, "b": 3} == tree.key_lines


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a: &x 1", "m.yaml:1: the anchor &x is not allowed. Remove it. [E-YAML-ANCHOR]"),
        (b"a: 1\nb: !!python/object:os.system x", "m.yaml:2: the tag 'tag:yaml.org,2002:python/object:os.system' is"),
        (b"a: !local x", "m.yaml:1: the tag '!local' is not allowed."),
        (b"a: 1\na: 2", "m.yaml:2: the key 'a' stands twice, first in line 1. Keep one of them. [E-YAML-DUPLICATE]"),
        (b"a: 1\n---\nb: 2", "m.yaml:2: a second document starts here. Keep one document per file. [E-YAML-DOCUMENTS]"),
        (b"a:\n\t- b", "m.yaml:2: the line holds a tab. Write spaces instead. [E-YAML-TAB]"),
        (b"? [a]\n: b", "m.yaml:1: a key must be a plain text. Write a name before the colon. [E-YAML-KEY]"),
        (b"%YAML 1.1\n---\na: 1", "m.yaml:1: directives (%) are not allowed. Remove the line. [E-YAML-DIRECTIVE]"),
        (b"a: [1", "is not valid YAML"),
        (b"a: b\n c: d", "m.yaml:2: this is not valid YAML"),
        (b"", "m.yaml: the file is empty. Write a catalog. [E-YAML-EMPTY]"),
        (b"# only a comment", "m.yaml: the file is empty."),
        (b"a: 1\nb: \xff", "m.yaml:2: byte 0xff is not UTF-8. Save the file as UTF-8. [E-YAML-ENCODING]"),
        (b"[" * 30, "m.yaml:1: the values are nested deeper than 24 levels. Flatten them. [E-YAML-DEPTH]"),
        (b'a: "x\\u202ey"', "m.yaml:1: the text holds the invisible character U+202E. Remove it. [E-YAML-CHARACTER]"),
        ("a: x\u2066y".encode(), "m.yaml:1: the text holds the invisible character U+2066."),
        (b'a: "x\\0y"', "m.yaml:1: the text holds the invisible character U+0000."),
        (b"a: x\x00y", "[E-YAML-"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(data: bytes, sentence: str) -> None:
    assert sentence in refusal(data)[0]


def test_everything_forbidden_is_reported_at_once() -> None:
    codes = [sentence.rsplit("[", 1)[1].removesuffix("]") for sentence in refusal(b"a: &x 1\nb: *x\na: !t 3\n")]
    assert ["E-YAML-ANCHOR", "E-YAML-ALIAS", "E-YAML-DUPLICATE", "E-YAML-TAG"] == codes


def test_many_laughs_are_refused_without_growing() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
    assert 10 + 81 == len(refusal("\n".join(lines).encode()))


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert [f"m.yaml: the file has more than {MAX_BYTES} bytes. Split the catalog. [E-YAML-SIZE]"] == refusal(
        b" " * (MAX_BYTES + 1)
    )


def test_a_byte_order_mark_is_accepted() -> None:
    assert {"a": "1"} == simplify(parse_yaml(b"\xef\xbb\xbfa: 1", "m.yaml"))
