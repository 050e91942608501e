"""Strict YAML: text with line numbers, and nothing that could mean two things.

Scalars keep their text, so `no`, `010` and `12:30:00` mean what the schema asks for, not what YAML 1.1 guesses.
Anchors, aliases, tags, directives, duplicate keys, several documents and tabs are refused, all at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 24
NULL_TEXTS: Final = frozenset(["", "~", "null", "Null", "NULL"])
# Control characters and lone surrogates have no place in a text, and direction overrides make it look different
# from what it says (CVE-2021-42574). They are looked for in values, where escapes such as "\u202e" are resolved.
_UNWANTED: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlScalar:
    """A text; `quoted` when it stood in quotes or as a block. `line` counts from 1."""

    text: str
    quoted: bool
    line: int

    @property
    def is_null(self) -> bool:
        return not self.quoted and self.text in NULL_TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSequence:
    """A list; `line` counts from 1."""

    items: "tuple[YamlNode, ...]"
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlMapping:
    """Keys with values; `key_lines` says where each key stands, counted from 1."""

    items: "dict[str, YamlNode]"
    key_lines: dict[str, int]
    line: int


YamlNode = YamlScalar | YamlSequence | YamlMapping


def parse_yaml(data: bytes, name: str) -> YamlNode:
    """Return the tree of one YAML document of at most 1 MB and 24 levels; `name` names the file in findings.

    Raises FindingsError with every E-YAML- finding.
    """
    text = _decode(data, name)
    problems = list(_find_tabs(text, name))
    builder = _TreeBuilder(name)
    # A tab makes the parser stumble over what follows; the finding about the tab says all there is to say.
    if not problems:
        try:
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                builder.take(event)
        except yaml.YAMLError as error:
            builder.problems.append(_explain_syntax(error, name))
        problems = builder.problems
    if not problems and builder.root is None:
        problems.append(Finding(code="E-YAML-EMPTY", where=name, what="the file is empty.", fix="Write a catalog."))
    if problems or builder.root is None:
        raise FindingsError(problems)
    return builder.root


def _decode(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        what = f"the file has more than {MAX_BYTES} bytes."
        raise refuse("E-YAML-SIZE", name, what, "Split the catalog.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8."
        raise refuse("E-YAML-ENCODING", f"{name}:{line}", what, "Save the file as UTF-8.") from error


def _find_tabs(text: str, name: str) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), start=1):
        if "\t" in line:
            what = "the line holds a tab."
            yield Finding(code="E-YAML-TAB", where=f"{name}:{number}", what=what, fix="Write spaces instead.")


def _explain_syntax(error: yaml.YAMLError, name: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark is not None else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    what = f"this is not valid YAML: {problem}."
    return Finding(code="E-YAML-SYNTAX", where=where, what=what, fix="Check the indentation and quotes near here.")


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection that is being filled."""

    line: int
    is_mapping: bool
    items: list[YamlNode] = field(default_factory=list)
    pairs: dict[str, YamlNode] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)
    key: str | None = None

    def close(self) -> YamlNode:
        if self.is_mapping:
            return YamlMapping(items=self.pairs, key_lines=self.key_lines, line=self.line)
        return YamlSequence(items=tuple(self.items), line=self.line)


class _TreeBuilder:
    """Builds the tree from parser events; keeps going after a refusal so that all of them are reported."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: YamlNode | None = None
        self.problems: list[Finding] = []
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        self._refuse_features(event, line)
        match event:
            case yaml.AliasEvent():
                self._add(YamlScalar(text="", quoted=True, line=line), line)
            case yaml.ScalarEvent():
                self._add(YamlScalar(text=event.value, quoted=bool(event.style), line=line), line)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(line, isinstance(event, yaml.MappingStartEvent))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                closed = self._open.pop()
                self._add(closed.close(), closed.line)
            case _:
                pass  # stream and document marks carry no value

    def _refuse_features(self, event: yaml.Event, line: int) -> None:
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            self._report("E-YAML-ALIAS", line, f"the alias *{anchor} is not allowed.", "Write the value out.")
        elif anchor:
            self._report("E-YAML-ANCHOR", line, f"the anchor &{anchor} is not allowed.", "Remove it.")
        tag = getattr(event, "tag", None)
        if tag:
            fix = "Remove it; the schema knows the types."
            self._report("E-YAML-TAG", line, f"the tag {tag!r} is not allowed.", fix)
        unwanted = _UNWANTED.search(event.value) if isinstance(event, yaml.ScalarEvent) else None
        if unwanted:
            what = f"the text holds the invisible character U+{ord(unwanted[0]):04X}."
            self._report("E-YAML-CHARACTER", line, what, "Remove it.")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:
                self._report("E-YAML-DOCUMENTS", line, "a second document starts here.", "Keep one document per file.")
            if event.version or event.tags:
                self._report("E-YAML-DIRECTIVE", line, "directives (%) are not allowed.", "Remove the line.")

    def _start(self, line: int, is_mapping: bool) -> None:
        if len(self._open) >= MAX_DEPTH:
            what = f"the values are nested deeper than {MAX_DEPTH} levels."
            raise FindingsError([*self.problems, self._finding("E-YAML-DEPTH", line, what, "Flatten them.")])
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.is_mapping and parent.key is None:
            self._report("E-YAML-KEY", line, "a key must be a plain text.", "Write a name before the colon.")
        self._open.append(_Open(line=line, is_mapping=is_mapping))

    def _add(self, node: YamlNode, line: int) -> None:
        if not self._open:
            if self._documents == 1:
                self.root = node
            return
        parent = self._open[-1]
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is not None:
            parent.pairs.setdefault(parent.key, node)
            parent.key = None
        else:
            parent.key = self._take_key(node, line, parent)

    def _take_key(self, node: YamlNode, line: int, parent: _Open) -> str:
        key = node.text if isinstance(node, YamlScalar) else ""
        if key in parent.key_lines:
            what = f"the key {key!r} stands twice, first in line {parent.key_lines[key]}."
            self._report("E-YAML-DUPLICATE", line, what, "Keep one of them.")
        parent.key_lines.setdefault(key, line)
        return key

    def _report(self, code: str, line: int, what: str, fix: str) -> None:
        self.problems.append(self._finding(code, line, what, fix))

    def _finding(self, code: str, line: int, what: str, fix: str) -> Finding:
        return Finding(code=code, where=f"{self.name}:{line}", what=what, fix=fix)
