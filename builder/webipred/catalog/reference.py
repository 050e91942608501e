"""The catalog reference for people, docs/catalog.md, generated from the node types and their docstrings."""

import types
from collections.abc import Iterator
from typing import Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from webipred.catalog.catalog import Catalog
from webipred.catalog.node import Node

HEAD: Final = """\
<!-- Written by `webipred.catalog.reference.render_reference()`; a test compares. Change the docstrings instead. -->
# The catalog

`model_catalog.yaml` lists the models of a site. It is YAML, read strictly: no anchors, tags or tabs, no key twice, and
a text stays the text that was written (`no`, `010` and `1e3` are not turned into anything where a text is asked for).
Numbers and true or false stand without quotes. `webipred-build check` reports every problem at once, with line, entry
and field.

Editors that understand JSON Schema find it in the package as `webipred/catalog/schema.json`.

A text for people is one text, or one per language: `{en: …, de: …}`.
"""
_WORDS: Final[dict[object, str]] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def render_reference() -> str:
    """Return the Markdown of docs/catalog.md: one table per node, in the order in which they are first used."""
    sections = [HEAD]
    for node in _walk_nodes(Catalog):
        sections.append("\n".join(_render_node(node)))
    return "\n".join(sections)


def _walk_nodes(root: type[Node]) -> Iterator[type[Node]]:
    seen: list[type[Node]] = [root]
    for node in seen:
        yield node
        for annotation in get_type_hints(node).values():
            seen += [inner for inner in _find_nodes(annotation) if inner not in seen]


def _find_nodes(annotation: object) -> list[type[Node]]:
    if isinstance(annotation, type) and issubclass(annotation, Node):
        return [annotation]
    return [node for inner in get_args(annotation) for node in _find_nodes(inner)]


def _render_node(node: type[Node]) -> Iterator[str]:
    yield f"## {node.__name__}"
    yield (node.__doc__ or "").strip()
    yield ""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    hints = get_type_hints(node)
    for name, field in node.model_fields.items():
        meaning = " ".join((field.description or "").split()).replace("|", r"\|")
        yield f"| `{field.alias or name}` | {_describe(hints[name])} | {_describe_default(field)} | {meaning} |"
    yield ""


def _describe_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ([], {}) or isinstance(default, Node):
        return "–"
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    return f"`{shown.lower() if isinstance(default, bool) else shown}`"


def _describe(annotation: object) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{option}`" for option in arguments)
    if origin is list:
        return f"list of {_describe(arguments[0])}"
    if origin is dict:
        return f"{_describe(arguments[0])} → {_describe(arguments[1])}"
    if origin in (Union, types.UnionType):
        words = [_describe(member) for member in arguments if member is not type(None)]
        return "text, or text by language" if words == ["text", "text → text"] else " or ".join(words)
    if isinstance(annotation, type) and issubclass(annotation, Node):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return _WORDS[annotation]
