"""The ONNX operators that a network may use, of the default domain only.

Each computes its result from its inputs alone: no control flow, no randomness, no strings, no files, nothing whose
result size depends on the data.
"""

from collections.abc import Iterable
from typing import Final

from webipred.errors import FindingsError
from webipred.findings import Finding

ALLOWED: Final = frozenset(
    [
        "Abs",
        "Add",
        "ArgMax",
        "AveragePool",
        "BatchNormalization",
        "Cast",
        "Ceil",
        "Clip",
        "Concat",
        "Constant",
        "ConstantOfShape",
        "Conv",
        "ConvTranspose",
        "DepthToSpace",
        "Div",
        "Dropout",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Expand",
        "Flatten",
        "Floor",
        "Gather",
        "Gelu",
        "Gemm",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "Greater",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "InstanceNormalization",
        "LRN",
        "LayerNormalization",
        "LeakyRelu",
        "Less",
        "Log",
        "LogSoftmax",
        "LpNormalization",
        "MatMul",
        "Max",
        "MaxPool",
        "Mean",
        "Min",
        "Mish",
        "Mul",
        "Neg",
        "PRelu",
        "Pad",
        "Pow",
        "Reciprocal",
        "ReduceL2",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Resize",
        "Round",
        "Selu",
        "Shape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Softplus",
        "Softsign",
        "SpaceToDepth",
        "Split",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Sum",
        "Tanh",
        "Tile",
        "Transpose",
        "Unsqueeze",
        "Where",
    ]
)
CONTROL_FLOW: Final = frozenset(["If", "Loop", "Scan", "SequenceMap"])
DEFAULT_DOMAINS: Final = frozenset(["", "ai.onnx"])


def check_operators(operators: Iterable[tuple[str, str]], where: str) -> None:
    """Raise FindingsError with every (domain, operator) that is not allowed, each once."""
    findings = [
        _describe(domain, operator, where)
        for domain, operator in sorted(set(operators))
        if domain not in DEFAULT_DOMAINS or operator not in ALLOWED
    ]
    if findings:
        raise FindingsError(findings)


def _describe(domain: str, operator: str, where: str) -> Finding:
    if domain not in DEFAULT_DOMAINS:
        name = f"{ascii(domain)[:60]}.{ascii(operator)[:60]}".replace("'", "")
        what = f"the operator {name} is not of ONNX itself; other domains are not allowed."
    elif operator in CONTROL_FLOW:
        what = f"the operator {operator!r} runs a subgraph; control flow is not allowed."
    else:
        what = f"the operator {ascii(operator)[:60]} is not on the list of allowed operators."
    fix = "Export the model without it; docs/conversion.md has the list."
    return Finding(code="E-CONVERT-OPERATOR", where=where, what=what, fix=fix)
