"""OnnxModel: the canonical form of every network."""

from dataclasses import dataclass

from webipred.convert.jail.record import UNJAILED, JailRecord

INPUT_NAME = "input"
OUTPUT_NAME = "output"
OPSET = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxModel:
    """A checked network: `input` float32 (1, height, width, channels) → `output` float32 (1, classes).

    Whatever layout the origin had, the input is NHWC (a Transpose stands in front where needed), the batch is 1,
    and the output holds probabilities: the entry's activation is part of the graph, and a single sigmoid
    unit p for two classes is given out as [1 − p, p]. Operators are those of the allow-list, opset OPSET.
    `data` is the serialised model without external data; `sha256` its digest; `converter` names format and version.
    `jail` says what surrounded the conversion.
    """

    entry_id: str
    data: bytes
    sha256: str
    height: int
    width: int
    channels: int
    classes: int
    operators: dict[str, int]
    parameters: int
    converter: str
    jail: JailRecord = UNJAILED
