"""Reads a YAML tree into catalog nodes, guided by their types.

The schema decides what a scalar is: the text `010` is a text where a text is asked for and refused where a number is.
Everything is read before anything is raised, so that all problems come at once, each with line, place and advice.
"""

import difflib
import enum
import functools
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from webipred.catalog.node import Node, RuleError, describe_repeated_id
from webipred.catalog.yaml_tree import YamlMapping, YamlNode, YamlScalar, YamlSequence
from webipred.errors import FindingsError
from webipred.findings import Finding

_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER: Final = re.compile(r"[-+]?((0|[1-9][0-9]{0,17})(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?")
_BOOLEANS: Final = {"true": True, "false": False}
_KIND_WORDS: Final[dict[object, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "key: value",
}


class _Failed(enum.Enum):
    """Stands where a value could not be read; its findings are already written."""

    FAILED = enum.auto()


FAILED: Final = _Failed.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a value stands: dotted path, line, and what its field is for."""

    path: str
    line: int
    hint: str = ""

    def below(self, key: str, line: int, hint: str | None = None) -> "_Place":
        path = f"{self.path}.{key}" if self.path else key
        return _Place(path=path, line=line, hint=self.hint if hint is None else hint)


NodeT = TypeVar("NodeT", bound=Node)


def read_node(root: type[NodeT], tree: YamlNode, name: str) -> tuple[NodeT, dict[str, int]]:
    """Return the node that `tree` describes and the line of every dotted path; `name` names the file.

    Items of a list `models` are named by their id. Raises FindingsError with every E-CATALOG- finding.
    """
    reader = _TreeReader(name)
    value = reader.read(root, tree, _Place(path="", line=tree.line))
    if reader.findings or not isinstance(value, root):
        raise FindingsError(reader.findings)
    return value, reader.lines


class _TreeReader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self._line_of: dict[Finding, int] = {}
        self._ids: set[str] = set()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, by line."""
        return tuple(sorted(self._line_of, key=self._line_of.__getitem__))

    def read(self, annotation: object, node: YamlNode, place: _Place) -> object:
        self.lines[place.path] = place.line
        members = _union_members(annotation)
        if isinstance(node, YamlScalar) and node.is_null:
            if type(None) in members:
                return None
            fix = f'Write {_describe(members)}, or leave the key out; a word such as "null" needs quotes.'
            return self._fail("E-CATALOG-TYPE", place, "the value is empty.", fix)
        match node:
            case YamlScalar():
                return self._read_scalar(members, node, place)
            case YamlSequence():
                return self._read_list(members, node, place)
            case YamlMapping():
                return self._read_mapping(members, node, place)

    def _read_scalar(self, members: tuple[object, ...], node: YamlScalar, place: _Place) -> object:
        # A plain number is a number where the schema takes both; only what nothing else fits is a text.
        for member in sorted(members, key=lambda candidate: _strip(candidate) is str):
            value = _convert_scalar(_strip(member), node)
            if value is not FAILED:
                return self._validate(member, value, place)
        options = [str(option) for member in members for option in _literal_options(member)]
        what = f"{_quote(node.text)} is not {_describe(members)}.{_suggest(node.text, options)}"
        unquoted = YamlScalar(text=node.text, quoted=False, line=node.line)
        if node.quoted and any(_convert_scalar(_strip(member), unquoted) is not FAILED for member in members):
            return self._fail("E-CATALOG-TYPE", place, what, "Write it without quotes.")
        return self._fail("E-CATALOG-TYPE", place, what)

    def _read_list(self, members: tuple[object, ...], node: YamlSequence, place: _Place) -> object:
        member = next((m for m in members if get_origin(_strip(m)) is list), None)
        if member is None:
            return self._fail("E-CATALOG-TYPE", place, f"a list stands here, not {_describe(members)}.")
        item_annotation = get_args(_strip(member))[0]
        values = [
            self.read(item_annotation, item, self._place_item(place, index, item))
            for index, item in enumerate(node.items)
        ]
        return FAILED if FAILED in values else self._validate(member, values, place)

    def _place_item(self, place: _Place, index: int, item: YamlNode) -> _Place:
        entry_id = item.items.get("id") if isinstance(item, YamlMapping) and place.path == "models" else None
        place = _Place(path=f"{place.path}[{index}]", line=item.line, hint=place.hint)
        if not isinstance(entry_id, YamlScalar) or not entry_id.text:
            return place
        if entry_id.text in self._ids:
            what = f"{describe_repeated_id(entry_id.text)}."
            self._fail("E-CATALOG-RULE", place.below("id", entry_id.line, ""), what)
            return place
        self._ids.add(entry_id.text)
        return _Place(path=entry_id.text[:64], line=item.line)

    def _read_mapping(self, members: tuple[object, ...], node: YamlMapping, place: _Place) -> object:
        models = [m for m in map(_strip, members) if isinstance(m, type) and issubclass(m, Node)]
        if len(models) == 1:
            return self._read_node(models[0], node, place)
        if models:
            return self._read_variant(models, node, place)
        member = next((m for m in members if get_origin(_strip(m)) is dict), None)
        if member is None:
            return self._fail("E-CATALOG-TYPE", place, f"keys with values stand here, not {_describe(members)}.")
        key_annotation, value_annotation = get_args(_strip(member))
        values: dict[object, object] = {}
        for key, item in node.items.items():
            item_place = place.below(key, node.key_lines[key])
            values[self._validate(key_annotation, key, item_place)] = self.read(value_annotation, item, item_place)
        return FAILED if FAILED in (*values, *values.values()) else self._validate(member, values, place)

    def _read_variant(self, models: list[type[Node]], node: YamlMapping, place: _Place) -> object:
        tag = next(name for name in models[0].model_fields if _literal_options(_read_hints(models[0])[name]))
        variants = {str(_literal_options(_read_hints(model)[tag])[0]): model for model in models}
        chosen = node.items.get(tag)
        if chosen is None:
            what = f"the key {tag!r} is missing.{_suggest(tag, node.items)}"
            return self._fail("E-CATALOG-MISSING", place, what, f"Write one of {', '.join(variants)}.")
        text = chosen.text if isinstance(chosen, YamlScalar) else ""
        if text not in variants:
            what = f"{_quote(text)} is not one of {', '.join(variants)}.{_suggest(text, variants)}"
            return self._fail("E-CATALOG-TYPE", place.below(tag, node.key_lines[tag]), what)
        return self._read_node(variants[text], node, place)

    def _read_node(self, model: type[Node], node: YamlMapping, place: _Place) -> object:
        hints = _read_hints(model)
        names = {field.alias or name: name for name, field in model.model_fields.items()}
        suggested = set()
        for key in node.items.keys() - names.keys():
            near = _find_near(key, names.keys() - node.items.keys())
            suggested.add(near)
            what = f"the key {_quote(key)} is unknown.{_suggest(key, names.keys() - node.items.keys())}"
            fix = f"Known keys: {', '.join(names)}."
            self._fail("E-CATALOG-UNKNOWN-KEY", place.below(key, node.key_lines[key]), what, fix)
        values: dict[str, object] = {}
        complete = True
        for key, name in names.items():
            field = model.model_fields[name]
            hint = field.description or ""
            if key in node.items:
                values[key] = self.read(hints[name], node.items[key], place.below(key, node.key_lines[key], hint))
                complete = complete and values[key] is not FAILED
            elif field.is_required():
                complete = False
                if key not in suggested:
                    self._fail("E-CATALOG-MISSING", place.below(key, place.line, hint), f"the key {key!r} is missing.")
        return self._validate(model, values, place) if complete else FAILED

    def _validate(self, annotation: object, value: object, place: _Place) -> object:
        try:
            return _make_validator(annotation).validate_python(value)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                self._report_validation(details, place)
            return FAILED

    def _report_validation(self, details: ErrorDetails, place: _Place) -> None:
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, RuleError):
            for path, what in cause.problems:
                full = f"{place.path}.{path}".strip(".")
                line = find_line(self.lines, full, place.line)
                self._fail("E-CATALOG-RULE", _Place(path=full, line=line), f"{what}.")
            return
        path = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in details["loc"])
        inner = _Place(path=place.path + path, line=place.line, hint=place.hint)
        self._fail("E-CATALOG-VALUE", inner, _explain(details))

    def _fail(self, code: str, place: _Place, what: str, fix: str = "") -> _Failed:
        where = f"{self.name}:{place.line} {place.path}".rstrip()
        advice = fix or (f"Expected: {place.hint}" if place.hint else "")
        self._line_of[Finding(code=code, where=where, what=what, fix=advice)] = place.line
        return FAILED


@functools.cache
def _make_validator(annotation: object) -> TypeAdapter[object]:
    return TypeAdapter(cast("type[object]", annotation))


@functools.cache
def _read_hints(model: type[Node]) -> dict[str, object]:
    return get_type_hints(model, include_extras=True)


def find_line(lines: Mapping[str, int], path: str, fallback: int) -> int:
    """Return the line of the longest known part of a dotted path."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return fallback


def _strip(annotation: object) -> object:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _union_members(annotation: object) -> tuple[object, ...]:
    base = _strip(annotation)
    if get_origin(base) in (Union, types.UnionType):
        return tuple(inner for member in get_args(base) for inner in _union_members(member))
    return (annotation,)


def _literal_options(annotation: object) -> tuple[object, ...]:
    base = _strip(annotation)
    return get_args(base) if get_origin(base) is Literal else ()


def _convert_scalar(base: object, node: YamlScalar) -> object:
    """Return the value that the scalar has as `base` (str, int, float, bool or a Literal), or FAILED."""
    if get_origin(base) is Literal:
        matching = (option for option in get_args(base) if _convert_scalar(type(option), node) == option)
        return next(matching, FAILED)
    if base is str:
        return node.text
    if node.quoted:
        return FAILED
    if base is bool:
        return _BOOLEANS.get(node.text, FAILED)
    if base is int and _INTEGER.fullmatch(node.text):
        return int(node.text)
    if base is float and _NUMBER.fullmatch(node.text):
        return float(node.text)
    return FAILED


def _describe(members: tuple[object, ...]) -> str:
    words: list[str] = []
    for member in members:
        base = _strip(member)
        if base is type(None):
            continue
        options = _literal_options(member)
        known = _KIND_WORDS.get(get_origin(base) or base, "key: value")
        words.append(f"one of {', '.join(map(str, options))}" if options else known)
    return " or ".join(dict.fromkeys(words))


def _find_near(word: str, known: Iterable[str]) -> str | None:
    folded = {name.casefold().replace("-", "_"): name for name in known}
    near = difflib.get_close_matches(word.casefold().replace("-", "_"), sorted(folded), n=1, cutoff=0.65)
    return folded[near[0]] if near else None


def _suggest(word: str, known: Iterable[str]) -> str:
    near = _find_near(word, known)
    return f" Did you mean {near!r}?" if near else ""


def _quote(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")


def _explain(details: ErrorDetails) -> str:
    value, context = details["input"], details.get("ctx", {})
    shown = _quote(value) if isinstance(value, str) else str(value)
    match details["type"]:
        case "string_pattern_mismatch":
            return f"{shown} does not fit the pattern {context['pattern']}."
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            ((name, bound),) = context.items()
            return f"{shown} must be {_BOUND_WORDS[name]} {bound:g}."
        case "string_too_short":
            return "the text is empty."
        case "string_too_long":
            return f"the text has more than {context['max_length']} characters."
        case "too_short":
            return f"there are {context['actual_length']} items, at least {context['min_length']} are needed."
        case "too_long":
            return f"there are {context['actual_length']} items, the limit is {context['max_length']}."
        case "value_error":
            return f"{context['error']}."
        case _:
            return f"{shown}: {details['msg']}."


_BOUND_WORDS: Final = {"ge": "at least", "gt": "greater than", "le": "at most", "lt": "less than"}
