"""The topology of a Keras model as data, read from the JSON of Keras 2, Keras 3 and TF.js Layers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from webipred.convert.json_text import JsonValue
from webipred.errors import FindingsError, refuse

Dialect = Literal["keras2", "keras3", "tfjs", "unknown"]
CONTAINERS: Final = ("Functional", "Model", "Sequential")
LIBRARY_MODULES: Final = re.compile(r"^(keras|tf_keras|tensorflow\.keras|tensorflow\.python\.keras)(\.|$)")
OWN_CUSTOM: Final = ("Custom>CustomScaleLayer",)  # registered by Keras itself, for InceptionResNetV2
MAX_NESTING: Final = 8
BROKEN: Final = "The topology is damaged or of an unknown Keras version; export the model again."


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRef:
    """The result of one call of a layer inside the same model."""

    layer: str
    call: int


Argument: TypeAlias = "TensorRef | JsonValue | list[Argument]"


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasCall:
    """One use of a layer: positional arguments (tensors, constants, lists of them) and keyword arguments."""

    arguments: tuple[Argument, ...]
    keywords: Mapping[str, Argument]

    def references(self) -> list[TensorRef]:
        """Every tensor that the call needs."""
        return [ref for argument in (*self.arguments, *self.keywords.values()) for ref in find_references(argument)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasLayer:
    """One layer: a class with options and calls, or a submodel."""

    name: str
    class_name: str
    module: str
    config: Mapping[str, JsonValue]
    calls: tuple[KerasCall, ...]
    submodel: "KerasModel | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasModel:
    """A Sequential or Functional model; for Sequential the order of the layers is the graph."""

    name: str
    sequential: bool
    layers: tuple[KerasLayer, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]


def find_references(argument: Argument) -> list[TensorRef]:
    """Every tensor inside of an argument."""
    if isinstance(argument, TensorRef):
        return [argument]
    return [ref for item in argument for ref in find_references(item)] if isinstance(argument, list) else []


def read_dialect(version: JsonValue) -> Dialect:
    """Return whose arithmetic a file follows, from its keras_version ("2.8.0", "3.15.1", "tfjs-layers 4.22.0")."""
    text = version if isinstance(version, str) else ""
    if text.startswith("3."):
        return "keras3"
    if text.startswith("tfjs"):
        return "tfjs"
    return "keras2" if text.startswith(("2.", "1.")) else "unknown"


def parse_model(raw: JsonValue, where: str, max_layers: int, depth: int = 0) -> KerasModel:
    """Return the topology of {"class_name": "Functional" or "Sequential", "config": …}.

    Raises FindingsError: E-CONVERT-TOPOLOGY, E-CONVERT-LAYER, E-CONVERT-SIZE.
    """
    node = _object(raw, "the model", where)
    class_name = identify_class(node, _text(node.get("class_name"), "class_name", where), where)
    if class_name not in CONTAINERS:
        raise refuse(
            "E-CONVERT-LAYER",
            where,
            f"the model is a {class_name!r}, only Functional and Sequential are converted.",
            BROKEN,
        )
    if depth > MAX_NESTING:
        raise refuse("E-CONVERT-TOPOLOGY", where, f"submodels are nested deeper than {MAX_NESTING}.", BROKEN)
    config = node.get("config")
    fields = {"layers": config} if isinstance(config, list) else _object(config, "the model's config", where)
    layers = _list(fields.get("layers"), "layers", where)
    if len(layers) > max_layers:
        raise refuse("E-CONVERT-SIZE", where, f"the model has {len(layers)} layers, the limit is {max_layers}.")
    sequential = class_name == "Sequential"
    name = _text(fields.get("name", node.get("name", "model")), "name of the model", where)
    return KerasModel(
        name=name,
        sequential=sequential,
        layers=tuple(_parse_layer(layer, where, max_layers, depth) for layer in layers),
        inputs=() if sequential else _parse_ends(fields.get("input_layers"), "input_layers", where),
        outputs=() if sequential else _parse_ends(fields.get("output_layers"), "output_layers", where),
    )


def identify_class(node: Mapping[str, JsonValue], class_name: str, where: str) -> str:
    """Return the plain class name. Raises FindingsError for a class that is not of Keras itself."""
    registered, module = node.get("registered_name"), node.get("module")
    foreign_name = isinstance(registered, str) and registered not in (class_name, *OWN_CUSTOM)
    foreign_module = isinstance(module, str) and not LIBRARY_MODULES.match(module) and registered not in OWN_CUSTOM
    if class_name in OWN_CUSTOM:
        return class_name.partition(">")[2]
    if foreign_name or foreign_module or ">" in class_name:
        own = registered if isinstance(registered, str) else class_name
        raise refuse_custom(own, where)
    return class_name


def refuse_custom(class_name: str, where: str) -> FindingsError:
    """Return the refusal of a class whose code only its author has."""
    return refuse(
        "E-CONVERT-LAYER",
        where,
        f"{class_name[:80]!r} is a custom class; its code is not in the file and is never run.",
        "Rebuild the model from Keras layers, or export it as ONNX.",
    )


def _parse_layer(raw: JsonValue, where: str, max_layers: int, depth: int) -> KerasLayer:
    node = _object(raw, "a layer", where)
    given = _text(node.get("class_name"), "class_name of a layer", where)
    config = node.get("config")
    inner = config if isinstance(config, dict) else {}
    name = _text(
        inner.get("name", node.get("name", "model" if isinstance(config, list) else None)), f"name of a {given}", where
    )
    place = f"{where} layer {name[:80]!r} ({given[:80]})"
    class_name = identify_class(node, given, place)
    submodel = parse_model(raw, place, max_layers, depth + 1) if class_name in CONTAINERS else None
    if submodel is None:
        _object(config, "config", place)
    module = node.get("module")
    outer = node.get("name", name)
    return KerasLayer(
        name=_text(outer, "name", place),
        class_name=class_name,
        module=module if isinstance(module, str) else "",
        config=inner,
        calls=tuple(_parse_call(call, place) for call in _list(node.get("inbound_nodes", []), "inbound_nodes", place)),
        submodel=submodel,
    )


def _parse_call(raw: JsonValue, where: str) -> KerasCall:
    if isinstance(raw, dict):
        arguments = _list(raw.get("args", []), "args", where)
        keywords = _object(raw.get("kwargs", {}), "kwargs", where)
        return KerasCall(
            arguments=tuple(_parse_keras3(argument, where) for argument in arguments),
            keywords={key: _parse_keras3(value, where) for key, value in keywords.items()},
        )
    tensors = _list(raw, "inbound_nodes", where)
    if tensors and isinstance(tensors[0], str):  # Keras 2 writes the only tensor of an operator without its list
        tensors = [tensors]
    keywords = {}
    positional: list[Argument] = []
    for tensor in tensors:
        parts = _list(tensor, "inbound_nodes", where)
        positional.append(_parse_keras2(parts[:3], where))
        extra = parts[3] if len(parts) > 3 else {}
        keywords.update(_object(extra, "arguments of a call", where))
    first: Argument = positional if len(positional) > 1 else (positional[0] if positional else [])
    return KerasCall(arguments=(first,), keywords={key: _parse_keyword2(value) for key, value in keywords.items()})


def _parse_keras2(parts: list[JsonValue], where: str) -> Argument:
    if len(parts) == 3 and parts[0] == "_CONSTANT_VALUE":
        return parts[2]
    ref = _as_reference(parts)
    if ref is None:
        raise refuse("E-CONVERT-TOPOLOGY", where, f"{str(parts)[:80]} is not [layer, call, 0].", BROKEN)
    return ref


def _parse_keyword2(value: JsonValue) -> Argument:
    if isinstance(value, list):
        ref = _as_reference(value[:3]) if len(value) in (3, 4) else None
        return ref if ref is not None else list(value)
    return value


def _parse_keras3(value: JsonValue, where: str) -> Argument:
    if isinstance(value, list):
        return [_parse_keras3(item, where) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        history = _object(value.get("config"), "config of a tensor", where).get("keras_history")
        ref = _as_reference(history) if isinstance(history, list) else None
        if ref is None:
            raise refuse("E-CONVERT-TOPOLOGY", where, f"keras_history is {str(history)[:80]}.", BROKEN)
        return ref
    return value


def _as_reference(parts: list[JsonValue]) -> TensorRef | None:
    if len(parts) != 3:
        return None
    layer, call, tensor = parts
    if not isinstance(layer, str) or not isinstance(call, int) or tensor != 0 or call < 0:
        return None
    return TensorRef(layer=layer, call=call)


def _parse_ends(raw: JsonValue, key: str, where: str) -> tuple[TensorRef, ...]:
    ends = _list(raw, key, where)
    if ends and isinstance(ends[0], str):  # Keras 3 writes a single end without its list
        ends = [ends]
    refs = [_as_reference(end[:3]) if isinstance(end, list) else None for end in ends]
    if not refs or None in refs:
        raise refuse(
            "E-CONVERT-TOPOLOGY", where, f"{key} is {str(raw)[:80]}, a list of [layer, call, 0] is needed.", BROKEN
        )
    return tuple(ref for ref in refs if ref is not None)


def _object(value: JsonValue, what: str, where: str) -> dict[str, JsonValue]:
    if isinstance(value, dict):
        return value
    raise refuse("E-CONVERT-TOPOLOGY", where, f"{what} is {str(value)[:80]}, not an object.", BROKEN)


def _list(value: JsonValue, what: str, where: str) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    raise refuse("E-CONVERT-TOPOLOGY", where, f"{what} is {str(value)[:80]}, not a list.", BROKEN)


def _text(value: JsonValue, what: str, where: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise refuse("E-CONVERT-TOPOLOGY", where, f"{what} is {str(value)[:80]}, not a text.", BROKEN)
