"""The numeric gate against an activation that is applied twice: values that were probabilities already."""

from collections.abc import Sequence

import onnx

from webipred.catalog.entry import CatalogEntry
from webipred.convert.model import OUTPUT_NAME
from webipred.findings import Finding
from webipred.images.decode import decode_image
from webipred.validate.goldens import Chain
from webipred.validate.reference import SUM_TOLERANCE, ReferenceNetwork
from webipred.validate.report import Check

ACTIVATIONS = {"Softmax", "Sigmoid"}


def check_activation(chain: Chain, model: bytes, images: Sequence[bytes]) -> Check:
    """What the entry's activation is applied to are no probabilities yet, on at least one image.

    A softmax over probabilities sums to 1 and keeps the order of classes, so neither sums nor labels reveal it.
    """
    entry = chain.entry
    if entry.output.activation == "none":
        return Check(name="activation", outcome="passed", detail="the entry adds none to the network's own")
    exposed, name = expose_logits(model)
    network = ReferenceNetwork(exposed)
    exclusive = entry.output.activation == "softmax"
    tensors = [chain.preprocessor.run(chain.program, decode_image(image, entry.input)) for image in images]
    values = [network.run(tensor, name) for tensor in tensors]
    if not all(are_probabilities(row, exclusive=exclusive) for row in values):
        detail = f"{entry.output.activation} is applied once, to values that are no probabilities"
        return Check(name="activation", outcome="passed", detail=detail)
    return Check(name="activation", outcome="failed", detail="applied twice", findings=(_describe(entry),))


def are_probabilities(values: tuple[float, ...], *, exclusive: bool) -> bool:
    """Whether all values lie in 0…1 and, where classes exclude each other, sum to 1."""
    within = all(-SUM_TOLERANCE <= value <= 1 + SUM_TOLERANCE for value in values)
    return within and (not exclusive or abs(sum(values) - 1) <= SUM_TOLERANCE)


def expose_logits(model: bytes) -> tuple[bytes, str]:
    """Return the network with the input of its last activation as a further output, and that output's name.

    Raises ValueError if no activation leads to the output; the converter has added one.
    """
    proto = onnx.load_from_string(model)
    producers = {output: node for node in proto.graph.node for output in node.output}
    name: str | None = OUTPUT_NAME
    while name is not None and producers[name].op_type not in ACTIVATIONS:
        name = next((source for source in producers[name].input if source in producers), None)
    if name is None:
        raise ValueError("no activation leads to the output")
    logits: str = producers[name].input[0]
    proto.graph.output.append(onnx.ValueInfoProto(name=logits))
    return proto.SerializeToString(), logits


def _describe(entry: CatalogEntry) -> Finding:
    return Finding(
        code="E-ACTIVATION-TWICE",
        where=f"{entry.id}.output.activation",
        what=f"{entry.output.activation} would be applied to values that are probabilities already.",
        fix="Set output.activation: none; the network ends in its own activation.",
    )
