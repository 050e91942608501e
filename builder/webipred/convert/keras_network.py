"""From a Keras topology and its weights to a network; the last step that all three Keras formats share."""

from webipred.convert.graph import GraphBuilder, Value
from webipred.convert.keras_config import Dialect, KerasModel
from webipred.convert.keras_graph import Walk, check_layers, emit_model, find_input_shape
from webipred.convert.model import INPUT_NAME
from webipred.convert.target import ConversionTarget, expect_input
from webipred.convert.weights import WeightStore


def build_network(
    model: KerasModel, store: WeightStore, dialect: Dialect, target: ConversionTarget
) -> tuple[GraphBuilder, Value]:
    """Emit a model for images of the entry's size. Raises FindingsError."""
    check_layers(model, target.where)
    graph = GraphBuilder(target.where, target.limits)
    walk = Walk(graph=graph, store=store, dialect=dialect, where=target.where)
    value = Value(name=INPUT_NAME, shape=(target.height, target.width, target.channels))
    if model.sequential or len(model.inputs) == 1:
        refusal = expect_input(find_input_shape(model, target.where), target)
        if refusal is not None:
            raise refusal
    return graph, emit_model(model, value, walk)
