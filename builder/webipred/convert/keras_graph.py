"""Walks a Keras topology and emits the network: Sequential, Functional and submodels, layers used twice included."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from webipred.convert.graph import Array, GraphBuilder, Value
from webipred.convert.json_text import JsonValue
from webipred.convert.keras_config import Argument, Dialect, KerasCall, KerasLayer, KerasModel, TensorRef
from webipred.convert.keras_layers.channels_first import AWARE, FIRST, IMAGE_RANK, emit_first, is_first
from webipred.convert.keras_layers.layer import Layer
from webipred.convert.keras_layers.registry import find_emitter, takes_constants
from webipred.convert.keras_options import Options
from webipred.convert.weights import LayerAddress, WeightSpec, WeightStore, surplus_weights
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

METADATA_RANK = 2  # batch and a row of numbers
BROKEN = "The topology is damaged or of an unknown Keras version; export the model again."


@dataclass(slots=True)
class Walk:
    """What one conversion of a topology carries along; `fetched` lets a layer that is used twice keep its weights."""

    graph: GraphBuilder
    store: WeightStore
    dialect: Dialect
    where: str
    output_name: str | None = None
    fetched: dict[tuple[str, ...], Mapping[str, Array]] = field(default_factory=dict)

    def place(self, layer: KerasLayer) -> str:
        """Where a finding about a layer points to."""
        return place_layer(layer, self.where)


def place_layer(layer: KerasLayer, where: str) -> str:
    """Where a finding about a layer points to."""
    return f"{where} layer {layer.name[:80]!r} ({layer.class_name[:80]})"


def check_layers(model: KerasModel, where: str) -> None:
    """Raise FindingsError with every layer, submodels included, that is not converted at all."""
    findings = list(_object_to_layers(model, where))
    if findings:
        raise FindingsError(findings)


def _object_to_layers(model: KerasModel, where: str) -> Iterator[Finding]:
    for layer in model.layers:
        place = place_layer(layer, where)
        if layer.submodel is not None:
            yield from _object_to_layers(layer.submodel, where)
            continue
        try:
            if layer.class_name != "InputLayer":
                find_emitter(layer, place)
        except FindingsError as error:
            yield from error.findings
        if layer.config.get("data_format") in FIRST and layer.class_name not in AWARE:
            what = "data_format is 'channels_first', which is not converted for this layer."
            fix = "Export the model with channels_last, or as ONNX."
            yield Finding(code="E-CONVERT-OPTION", where=place, what=what, fix=fix)


def emit_model(model: KerasModel, value: Value, walk: Walk) -> Value:
    """Emit the whole model on one image. Raises FindingsError; weights that remain unused are among the reasons."""
    if not model.sequential and len(model.inputs) != 1:
        raise _refuse_inputs(model, walk)
    model = choose_output(model, walk)
    result = _emit_submodel(model, [value], LayerAddress(), walk)
    untaken = walk.store.list_untaken()
    if untaken:
        raise surplus_weights(untaken, walk.where)
    return result


def choose_output(model: KerasModel, walk: Walk) -> KerasModel:
    """Return the model with one output: the only one, or the one whose layer the entry names in output.name."""
    wished = walk.output_name
    if model.sequential or (len(model.outputs) == 1 and wished is None):
        return model
    names = [ref.layer for ref in model.outputs]
    chosen = [ref for ref in model.outputs if ref.layer == wished]
    if len(chosen) == 1:
        return replace(model, outputs=tuple(chosen))
    shown = ", ".join(repr(name[:60]) for name in names[:8])
    what = f"the model has {_count(names)} outputs, one list of class scores is needed."
    if wished is not None:
        what = f"output.name is {wished[:60]!r}, which is not one output of the model."
    raise refuse("E-CONVERT-OUTPUT", walk.where, what, f"Name one of its layers in output.name of the entry: {shown}.")


def _refuse_inputs(model: KerasModel, walk: Walk) -> FindingsError:
    """Inputs beside the image are named: AUCMEDI's heads for metadata take a row of numbers about the patient."""
    what = f"the model has {_count(model.inputs)} inputs, one image is all it may take."
    layers = {layer.name: layer for layer in model.layers}
    for ref in model.inputs:
        config = layers[ref.layer].config if ref.layer in layers else {}
        shape = config.get("batch_input_shape") or config.get("batch_shape")
        if isinstance(shape, list) and len(shape) == METADATA_RANK:
            count = f"{shape[1]} numbers" if isinstance(shape[1], int) else "numbers"
            what += (
                f" {ref.layer[:60]!r} takes {count} about the patient beside it (metadata, as AUCMEDI's heads do); "
                "the page asks for images only, and invented numbers would change every prediction."
            )
            break
    return refuse("E-CONVERT-INPUT", walk.where, what, "Publish a model with a single image input.")


def find_input_shape(model: KerasModel, where: str) -> list[JsonValue]:
    """Return the declared input shape without the batch; null stands for any size."""
    for layer in model.layers:
        shape = layer.config.get("batch_input_shape") or layer.config.get("batch_shape")
        if isinstance(shape, list) and (model.sequential or layer.name == model.inputs[0].layer):
            return shape[1:]
        if model.sequential and layer.submodel is not None:
            return find_input_shape(layer.submodel, where)
        if model.sequential:
            break
    raise refuse("E-CONVERT-INPUT", where, "the model does not state the shape of its input.", BROKEN)


def _count(items: Sequence[object]) -> str:
    return {0: "no", 2: "two", 3: "three"}.get(len(items), str(len(items)))


def _emit_submodel(model: KerasModel, inputs: list[Value], address: LayerAddress, walk: Walk) -> Value:
    addresses = _address_layers(model, address, walk.where)
    if model.sequential:
        return _emit_sequential(model, inputs, addresses, walk)
    return _emit_functional(model, inputs, addresses, walk)


def _address_layers(model: KerasModel, address: LayerAddress, where: str) -> dict[str, LayerAddress]:
    addresses: dict[str, LayerAddress] = {}
    counts: dict[str, int] = {}
    for layer in model.layers:
        stem = to_folder(layer.class_name)
        number = counts.get(stem, 0)
        counts[stem] = number + 1
        folder = f"{stem}_{number}" if number else stem
        if layer.name in addresses:
            raise refuse("E-CONVERT-TOPOLOGY", where, f"two layers are named {layer.name[:80]!r}.", BROKEN)
        addresses[layer.name] = LayerAddress(
            names=(*address.names, layer.name), folders=(*address.folders, "layers", folder)
        )
    return addresses


def to_folder(class_name: str) -> str:
    """Return the folder that Keras 3 gives to a class in a weights file, for instance `conv2d`, `re_lu`."""
    text = re.sub(r"\W+", "", class_name)
    text = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", text)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()


def _emit_sequential(
    model: KerasModel, inputs: list[Value], addresses: Mapping[str, LayerAddress], walk: Walk
) -> Value:
    if len(inputs) != 1:
        raise refuse(
            "E-CONVERT-TOPOLOGY",
            walk.where,
            f"the model {model.name[:80]!r} is Sequential and gets {len(inputs)} inputs.",
            BROKEN,
        )
    value = inputs[0]
    for layer in model.layers:
        if layer.class_name == "InputLayer":
            _check_input_layer(layer, walk)
        else:
            value = _emit_call(layer, {"0": value}, addresses[layer.name], walk)
    return value


def _emit_functional(
    model: KerasModel, inputs: list[Value], addresses: Mapping[str, LayerAddress], walk: Walk
) -> Value:
    if len(inputs) != len(model.inputs) or len(model.outputs) != 1:
        ends = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        what = f"the submodel {model.name[:80]!r} has {ends}; it gets {len(inputs)}."
        raise refuse("E-CONVERT-TOPOLOGY", walk.where, what, BROKEN)
    layers = {layer.name: layer for layer in model.layers}
    values = {(ref.layer, 0): value for ref, value in zip(model.inputs, inputs, strict=True)}
    pending = _list_calls(model, walk)
    while pending:
        waiting: list[tuple[KerasLayer, int, KerasCall]] = []
        for layer, number, call in pending:
            keys = [_find_call(ref, layers, walk) for ref in call.references()]
            if all(key in values for key in keys):
                operands = _resolve_operands(call, layers, values, walk)
                values[layer.name, number] = _emit_call(layer, operands, addresses[layer.name], walk)
            else:
                waiting.append((layer, number, call))
        if len(waiting) == len(pending):
            names = ", ".join(repr(layer.name[:60]) for layer, _, _ in waiting[:3])
            raise refuse(
                "E-CONVERT-TOPOLOGY", walk.where, f"the layers {names} wait for each other or for nothing.", BROKEN
            )
        pending = waiting
    output = _find_call(model.outputs[0], layers, walk)
    if output not in values:
        raise refuse("E-CONVERT-TOPOLOGY", walk.where, f"the output {output[0][:80]!r} is not computed.", BROKEN)
    return values[output]


def _list_calls(model: KerasModel, walk: Walk) -> list[tuple[KerasLayer, int, KerasCall]]:
    given = {ref.layer for ref in model.inputs}
    calls = []
    for layer in model.layers:
        if layer.class_name == "InputLayer":
            _check_input_layer(layer, walk)
            if layer.name not in given:
                raise refuse(
                    "E-CONVERT-TOPOLOGY", walk.place(layer), "this input is not an input of the model.", BROKEN
                )
            continue
        calls += [(layer, number, call) for number, call in enumerate(layer.calls)]
    return calls


def _check_input_layer(layer: KerasLayer, walk: Walk) -> None:
    options = Options(layer.config, walk.place(layer))
    options.require("dtype", "float32")
    options.require("sparse", False)
    options.require("ragged", False)
    options.require("optional", False)
    options.check_all_read()


def _find_call(ref: TensorRef, layers: Mapping[str, KerasLayer], walk: Walk) -> tuple[str, int]:
    """Return (layer, call) with calls counted from 0.

    Keras 2 counts a call of a built submodel from 1, because building it was its first call.
    """
    layer = layers.get(ref.layer)
    if layer is None:
        raise refuse(
            "E-CONVERT-TOPOLOGY", walk.where, f"there is no layer {ref.layer[:80]!r}, but one takes its result.", BROKEN
        )
    count = max(len(layer.calls), 1)
    first = 1 if _counts_from_one(layer, layers, walk) else 0
    number = 0 if count == 1 and ref.call <= 1 else ref.call - first
    if not 0 <= number < count:
        raise refuse("E-CONVERT-TOPOLOGY", walk.place(layer), f"its call {ref.call} is used, it has {count}.", BROKEN)
    return ref.layer, number


def _counts_from_one(layer: KerasLayer, layers: Mapping[str, KerasLayer], walk: Walk) -> bool:
    if layer.submodel is None or walk.dialect == "keras3":
        return False
    return not layer.submodel.sequential or layer.submodel.layers[0].class_name == "InputLayer"


def _resolve_operands(
    call: KerasCall, layers: Mapping[str, KerasLayer], values: Mapping[tuple[str, int], Value], walk: Walk
) -> dict[str, object]:
    def resolve(argument: Argument) -> object:
        if isinstance(argument, TensorRef):
            return values[_find_call(argument, layers, walk)]
        return [resolve(item) for item in argument] if isinstance(argument, list) else argument

    positional = {str(number): resolve(argument) for number, argument in enumerate(call.arguments)}
    return positional | {key: resolve(value) for key, value in call.keywords.items()}


def _emit_call(layer: KerasLayer, operands: Mapping[str, object], address: LayerAddress, walk: Walk) -> Value:
    where = walk.place(layer)
    operands = _drop_call_modes(operands, where)
    inputs = _list_tensors(operands)
    if layer.submodel is not None:
        _refuse_constants(operands, where)
        return _emit_submodel(layer.submodel, inputs, address, walk)
    emitter = find_emitter(layer, where)
    options = Options(layer.config, where)
    if not takes_constants(layer):
        _refuse_constants(operands, where)
    _check_dtype(options, where)
    call = Layer(
        name="/".join(address.names),
        class_name=layer.class_name,
        where=where,
        dialect=walk.dialect,
        options=options,
        inputs=tuple(inputs),
        operands=operands,
        graph=walk.graph,
        take_weights=lambda specs, part="", /: _fetch_weights(
            specs, address.part(part) if part else address, where, walk
        ),
    )
    first = is_first(layer.class_name, layer.config) and all(len(value.shape) == IMAGE_RANK for value in inputs)
    result = emit_first(call, emitter, layer.config) if first else emitter(call)
    options.check_all_read()
    return result


def _drop_call_modes(operands: Mapping[str, object], where: str) -> dict[str, object]:
    if operands.get("training") not in (None, False):
        raise refuse(
            "E-CONVERT-OPTION",
            where,
            f"it is called with training={operands['training']!r}, which changes every prediction.",
            "Export the model for inference.",
        )
    if operands.get("mask") is not None:
        raise refuse(
            "E-CONVERT-OPTION", where, "it is called with a mask, which is not converted.", "Export the model as ONNX."
        )
    return {key: value for key, value in operands.items() if key not in ("training", "mask")}


def _refuse_constants(operands: Mapping[str, object], where: str) -> None:
    """Layers and submodels take tensors; anything else in a call might change the result."""
    for key, operand in operands.items():
        items = operand if isinstance(operand, list) else [operand]
        odd = [item for item in items if not isinstance(item, Value)]
        named = operand is not None and not key.isdigit() and key != "inputs"
        if named or (odd and odd != [None]):
            what = f"the call argument {key[:60]}={ascii((odd or items)[0])[:60]} is not converted."
            raise refuse("E-CONVERT-OPTION", where, what, "Export the model again for inference, or as ONNX.")


def _list_tensors(operand: object) -> list[Value]:
    if isinstance(operand, Value):
        return [operand]
    if isinstance(operand, Mapping):
        return [tensor for item in operand.values() for tensor in _list_tensors(item)]
    return [tensor for item in operand for tensor in _list_tensors(item)] if isinstance(operand, list) else []


def _check_dtype(options: Options, where: str) -> None:
    dtype = options.raw("dtype", "float32")
    config = dtype.get("config") if isinstance(dtype, dict) else None
    name = config.get("name") if isinstance(config, dict) else dtype
    if name != "float32":
        raise refuse(
            "E-CONVERT-OPTION",
            where,
            f"dtype is {str(name)[:80]!r}, only 'float32' is converted.",
            "Set the policy to float32 and export the model again.",
        )


def _fetch_weights(specs: Sequence[WeightSpec], address: LayerAddress, where: str, walk: Walk) -> Mapping[str, Array]:
    if not specs:
        return {}
    if address.names not in walk.fetched:
        walk.fetched[address.names] = walk.store.take(address, specs, where)
    found = walk.fetched[address.names]
    for spec in specs:
        if found[spec.name].shape != spec.shape:
            what = f"it is used with inputs of different sizes: {spec.name} would need {list(spec.shape)}."
            raise refuse("E-CONVERT-TOPOLOGY", where, what, BROKEN)
    return found
