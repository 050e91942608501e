"""From a Keras topology and its weights to a network; the last step that all three Keras formats share."""

from webipred.convert.graph import GraphBuilder, Value
from webipred.convert.keras_config import Dialect, KerasModel
from webipred.convert.keras_graph import Walk, check_layers, emit_model, find_input_shape
from webipred.convert.keras_layers.channels_first import AWARE, IMAGE_RANK, is_first
from webipred.convert.model import INPUT_NAME
from webipred.convert.target import ConversionTarget, expect_input
from webipred.convert.weights import WeightStore


def build_network(
    model: KerasModel, store: WeightStore, dialect: Dialect, target: ConversionTarget
) -> tuple[GraphBuilder, Value]:
    """Emit a model for images of the entry's size. Raises FindingsError."""
    check_layers(model, target.where)
    graph = GraphBuilder(target.where, target.limits)
    walk = Walk(graph=graph, store=store, dialect=dialect, where=target.where, output_name=target.output_name)
    value = Value(name=INPUT_NAME, shape=(target.height, target.width, target.channels))
    if model.sequential or len(model.inputs) == 1:
        shape = find_input_shape(model, target.where)
        if len(shape) == IMAGE_RANK and starts_first(model):
            planes = graph.as_planes(value)
            value = Value(name=planes.name, shape=(target.channels, target.height, target.width))
            shape = [*shape[1:], shape[0]]
        refusal = expect_input(shape, target)
        if refusal is not None:
            raise refusal
    return graph, emit_model(model, value, walk)


def starts_first(model: KerasModel) -> bool:
    """Whether the model takes (channel, height, width): the first layer with an opinion about it decides."""
    for layer in model.layers:
        if layer.submodel is not None:
            return starts_first(layer.submodel)
        if layer.class_name in AWARE:
            return is_first(layer.class_name, layer.config)
    return False
