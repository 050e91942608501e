"""Layer: one call of a Keras layer, with all that its emitter may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from webipred.convert.graph import Array, Attribute, GraphBuilder, Value
from webipred.convert.keras_config import Dialect
from webipred.convert.keras_options import Options
from webipred.convert.weights import WeightSpec
from webipred.errors import FindingsError, refuse


class TakeWeights(Protocol):
    """Hands out the weights of a layer, or of a named part inside of it (`query` of an attention)."""

    def __call__(self, specs: Sequence[WeightSpec], part: str = "", /) -> Mapping[str, Array]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One call: `inputs` are its tensors in order, `operands` all its arguments, positional ones by number."""

    name: str
    class_name: str
    where: str
    dialect: Dialect
    options: Options
    inputs: tuple[Value, ...]
    operands: Mapping[str, object]
    graph: GraphBuilder
    take_weights: TakeWeights

    @property
    def input(self) -> Value:
        """The only input. Raises FindingsError if there are more or none."""
        if len(self.inputs) != 1:
            raise self.refuse_graph(f"it has {len(self.inputs)} inputs, one is expected.")
        return self.inputs[0]

    def input_of_rank(self, rank: int) -> Value:
        """The only input, which must have `rank` axes besides the batch."""
        value = self.input
        if len(value.shape) != rank:
            raise self.refuse_graph(f"its input has the shape {list(value.shape)}, {rank} axes are expected.")
        return value

    def emit(
        self,
        op: str,
        inputs: Sequence[Value | str],
        shape: Sequence[int],
        *,
        planes: bool = False,
        **attributes: Attribute,
    ) -> Value:
        """Append a node named after the layer."""
        return self.graph.emit(op, inputs, shape, wish=self.name, planes=planes, attributes=attributes)

    def refuse_graph(self, what: str) -> FindingsError:
        """Return a refusal of how the layer is connected."""
        return refuse("E-CONVERT-TOPOLOGY", self.where, what, "The topology is damaged; export the model again.")

    def refuse_option(self, what: str) -> FindingsError:
        """Return a refusal of an option."""
        return refuse("E-CONVERT-OPTION", self.where, what, "Export the model without this option, or as ONNX.")


class LayerEmitter(Protocol):
    """Turns one call into nodes; reads every option that matters from `layer.options`."""

    def __call__(self, layer: Layer, /) -> Value: ...


def find_axis(layer: Layer, axis: object, rank: int) -> int:
    """Return a Keras axis (batch counted, may be negative) as index into a shape without the batch."""
    single = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if isinstance(single, bool) or not isinstance(single, int):
        raise layer.refuse_option(f"axis is {axis!r}, one axis is expected.")
    index = single - 1 if single >= 0 else rank + single
    if not 0 <= index < rank or single == 0:
        raise layer.refuse_option(f"axis {single} does not exist in an input with {rank} axes besides the batch.")
    return index


def require_last_axis(layer: Layer, rank: int) -> None:
    """Refuse an `axis` option that is not the channel axis."""
    axis = layer.options.raw("axis", -1)
    if find_axis(layer, axis, rank) != rank - 1:
        raise layer.refuse_option(f"axis {axis!r} is not the last axis.")


def require_channels_last(layer: Layer) -> None:
    """Refuse `data_format: channels_first`."""
    layer.options.require("data_format", "channels_last", "channelsLast")
