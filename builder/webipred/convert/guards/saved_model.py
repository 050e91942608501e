"""Guard of SavedModel: every node of every graph in the file, those hidden in constants included, by an allow-list.

TensorFlow runs a graph as a program: operators read and write files, call Python, or open sockets. The file is walked
as protobuf with a stack of its own; TensorFlow is not needed and not imported.
"""

from collections.abc import Iterator
from typing import Final

from webipred.convert.guards.wire import WireError, find_messages, read_fields
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

MAX_BYTES: Final = 512 << 20
MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 12  # graphs in constants of graphs in constants …
MAX_TEXTS: Final = 100_000
LISTED: Final = 20
META_GRAPHS, GRAPH, LIBRARY, FUNCTION = 2, 2, 2, 1
NODE_OF_GRAPH, NODE_OF_FUNCTION, OPERATOR, ATTRIBUTE = 1, 3, 2, 5
VALUE, TEXT, TENSOR, LIST = 2, 2, 8, 1
TENSOR_TEXTS, TENSOR_CONTENT = 8, 4
EXPORT_FIX: Final = "Export the model for inference only, as Keras, ONNX or TF.js Layers."
ALLOWED: Final = frozenset(
    [
        *("Abs", "Add", "AddN", "AddV2", "All", "Any", "ArgMax", "ArgMin", "AssignVariableOp", "AvgPool"),
        *("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "BatchNormWithGlobalNormalization", "BatchToSpaceND"),
        *("BiasAdd", "BroadcastArgs", "BroadcastTo", "Cast", "Ceil", "ClipByValue", "Concat", "ConcatV2"),
        *("ConjugateTranspose", "Const", "Conv2D", "Conv2DBackpropInput", "CropAndResize", "Cumsum", "DepthToSpace"),
        *("DepthwiseConv2dNative", "Div", "DivNoNan", "Einsum", "Elu", "EnsureShape", "Equal", "Erf", "Exp"),
        *("ExpandDims", "Expm1", "Fill", "Floor", "FloorDiv", "FloorMod", "FusedBatchNorm", "FusedBatchNormV2"),
        *("FusedBatchNormV3", "Gather", "GatherNd", "GatherV2", "Greater", "GreaterEqual", "Identity", "IdentityN"),
        *("InvertPermutation", "IsFinite", "IsInf", "IsNan", "L2Loss", "LRN", "LeakyRelu", "Less", "LessEqual"),
        *("LinSpace", "Log", "Log1p", "LogSoftmax", "LogicalAnd", "LogicalNot", "LogicalOr", "MatMul", "Max"),
        *("MaxPool", "MaxPoolV2", "Maximum", "Mean", "Min", "Minimum", "MirrorPad", "Mul", "MulNoNan", "Neg", "NoOp"),
        *("NotEqual", "OneHot", "OnesLike", "Pack", "Pad", "PadV2", "PartitionedCall", "Placeholder"),
        *("PlaceholderWithDefault", "Pow", "PreventGradient", "Prod", "Range", "Rank", "ReadVariableOp", "RealDiv"),
        *("Reciprocal", "Relu", "Relu6", "Reshape", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor"),
        *("ReverseV2", "Rint", "Round", "Rsqrt", "ScatterNd", "Select", "SelectV2", "Selu", "Shape", "ShapeN"),
        *("Sigmoid", "Sign", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToBatchND", "SpaceToDepth"),
        *("Split", "SplitV", "Sqrt", "Square", "SquaredDifference", "Squeeze", "StatefulPartitionedCall"),
        *("StopGradient", "StridedSlice", "Sub", "Sum", "Tan", "Tanh", "Tile", "TopKV2", "Transpose", "TruncateDiv"),
        *("Unpack", "VarHandleOp", "VarIsInitializedOp", "VariableV2", "Where", "Xdivy", "ZerosLike"),
    ]
)
# Every SavedModel has these beside its graph of inference: they load and save its own variables. A converter runs the
# named signature only, in the jail, and never these.
SAVING: Final = frozenset(
    ["MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename", "StaticRegexFullMatch", "StringJoin"]
)


def check_saved_model(data: bytes, where: str, *, allow_saver: bool = False) -> None:
    """Raise FindingsError if the bytes of saved_model.pb hold an operator that is not allowed, or are no SavedModel.

    `allow_saver` permits the operators that load and save the model's own variables; they are refused otherwise.
    E-GRAPHDEF-SIZE, -BROKEN, -OPERATOR.
    """
    if len(data) > MAX_BYTES:
        what = f"saved_model.pb has {len(data)} bytes, the limit is {MAX_BYTES}."
        raise refuse("E-GRAPHDEF-SIZE", where, what, "Weights belong into the variables folder.")
    permitted = ALLOWED | SAVING if allow_saver else ALLOWED
    try:
        refused = sorted({name for name in _list_operators(memoryview(data)) if name not in permitted})
    except WireError as error:
        what = f"saved_model.pb cannot be read ({error})."
        raise refuse("E-GRAPHDEF-BROKEN", where, what, "Get the file again from its origin.") from error
    if refused:
        raise FindingsError(_describe(name, where) for name in refused[:LISTED])


def _describe(name: str, where: str) -> Finding:
    what = f"the operator {name[:80]!a} is not on the list of operators that compute from their inputs alone."
    return Finding(code="E-GRAPHDEF-OPERATOR", where=where, what=what, fix=EXPORT_FIX)


def _list_operators(saved_model: memoryview) -> Iterator[str]:
    graphs = [(graph, 0) for meta in find_messages(saved_model, META_GRAPHS) for graph in find_messages(meta, GRAPH)]
    if not graphs:
        raise WireError("it holds no graph")
    yield from _walk(graphs)


def _walk(graphs: list[tuple[memoryview, int]]) -> Iterator[str]:
    nodes = texts = 0
    while graphs:
        graph, depth = graphs.pop()
        if depth > MAX_DEPTH:
            raise WireError(f"graphs are nested deeper than {MAX_DEPTH}")
        for node in _list_nodes(graph):
            nodes += 1
            if nodes > MAX_NODES:
                raise WireError(f"there are more than {MAX_NODES} nodes")
            yield _read_operator(node)
            for text in _list_texts(node):
                texts += 1
                if texts > MAX_TEXTS:
                    raise WireError(f"there are more than {MAX_TEXTS} texts")
                if is_graph(text):
                    graphs.append((text, depth + 1))


def _list_nodes(graph: memoryview) -> Iterator[memoryview]:
    yield from find_messages(graph, NODE_OF_GRAPH)
    for library in find_messages(graph, LIBRARY):
        for function in find_messages(library, FUNCTION):
            yield from find_messages(function, NODE_OF_FUNCTION)


def _read_operator(node: memoryview) -> str:
    names = [bytes(name) for name in find_messages(node, OPERATOR)]
    if len(names) != 1:
        raise WireError("a node has no operator, or several")
    return names[0].decode("utf-8", "backslashreplace")


def _list_texts(node: memoryview) -> Iterator[memoryview]:
    """Yield every text of a node that is long enough to hide a graph: in attributes, lists and string tensors."""
    for entry in find_messages(node, ATTRIBUTE):
        for value in find_messages(entry, VALUE):
            yield from find_messages(value, TEXT)
            for tensor in find_messages(value, TENSOR):
                yield from _list_tensor_texts(tensor)
            for items in find_messages(value, LIST):
                yield from find_messages(items, TEXT)
                for tensor in find_messages(items, TENSOR):
                    yield from _list_tensor_texts(tensor)


def _list_tensor_texts(tensor: memoryview) -> Iterator[memoryview]:
    yield from find_messages(tensor, TENSOR_TEXTS)
    yield from find_messages(tensor, TENSOR_CONTENT)


def is_graph(text: memoryview) -> bool:
    """Whether a text parses as a GraphDef: at least one node with an operator, and nothing that does not fit."""
    if len(text) < 4:
        return False
    try:
        for _ in read_fields(text):
            pass
        operators = [name for node in _list_nodes(text) for name in find_messages(node, OPERATOR)]
    except WireError:
        return False
    return any(bytes(name[:1]).isalpha() or bytes(name[:1]) == b"_" for name in operators)
