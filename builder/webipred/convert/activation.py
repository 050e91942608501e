"""The last activation: added where the entry asks for it, never a second time, and scores only."""

from typing import Final

from webipred.convert.graph import GraphBuilder, Value
from webipred.convert.model import INPUT_NAME
from webipred.convert.tail import Tail, find_last, find_tail
from webipred.convert.target import ConversionTarget
from webipred.errors import FindingsError, refuse

DECISIONS: Final = ("Ceil", "Equal", "Floor", "Greater", "Less", "Round")
SCORES_FIX: Final = "Export the model with the scores of all classes as its output."
LOGITS_FIX: Final = (
    "If the network gives logits, set output.activation to softmax or sigmoid, as the training code did; "
    "anything else cannot be published."
)


def read_tail(graph: GraphBuilder, result: Value, target: ConversionTarget) -> Tail:
    """Return the tail of a network. Raises FindingsError if it gives decisions in place of scores."""
    tail = find_tail(graph.nodes, INPUT_NAME, result.name)
    if "ArgMax" in tail.operators:
        what = "the network gives the number of one class (ArgMax), not the scores of all classes."
        raise refuse("E-CONVERT-OUTPUT", target.where, what, SCORES_FIX)
    decisions = [operator for operator in tail.operators if operator in DECISIONS]
    if decisions:
        what = f"the network compares or rounds its scores at the end ({', '.join(decisions)})."
        raise refuse("E-CONVERT-OUTPUT", target.where, what, SCORES_FIX)
    return tail


def apply_activation(graph: GraphBuilder, result: Value, tail: Tail, target: ConversionTarget) -> Value:
    """Return probabilities. Raises FindingsError if there would be none, or if they were activated twice."""
    units = result.shape[0]
    ends_in = tail.last.op if tail.last is not None else "its input"
    if units == 1 and "softmax" in (target.activation, ends_in.lower() if target.activation == "none" else ""):
        what = "softmax over a single output is always 1."
        raise refuse("E-CONVERT-ACTIVATION", target.where, what, "A network with one output needs sigmoid.")
    if target.activation == "none":
        _check_probabilities(graph, tail, ends_in, target)
        return result
    # softmax(log softmax(x)) = softmax(x): the logarithm is undone, nothing is applied twice
    if tail.activations and (target.activation, ends_in) != ("softmax", "LogSoftmax"):
        raise _refuse_second(tail, ends_in, target)
    if target.activation == "softmax":
        return graph.emit("Softmax", [result], result.shape, wish="probabilities", attributes={"axis": 1})
    return graph.emit("Sigmoid", [result], result.shape, wish="probabilities")


def _check_probabilities(graph: GraphBuilder, tail: Tail, ends_in: str, target: ConversionTarget) -> None:
    """Accept what softmax or sigmoid made, in any arrangement; validation looks at the numbers."""
    made = _list_probable(graph, tail)
    if made and len(made) == len(tail.activations) and not tail.bare:
        return
    what = f"the network ends in {ends_in}, which gives no probabilities, and the entry has output.activation: none."
    fix = LOGITS_FIX
    if made:
        what = f"the network ends in {ends_in}, which joins {_name(made)} with numbers that are no probabilities."
        fix = "Export the model with either probabilities or logits as its output."
    raise refuse("E-CONVERT-ACTIVATION", target.where, what, fix)


def _list_probable(graph: GraphBuilder, tail: Tail) -> list[str]:
    """Operators of the tail that give probabilities; Exp does if it is divided by a sum, or undoes a logarithm."""
    producers = {output: node for node in graph.nodes for output in node.outputs}
    probable = []
    for node in tail.activations:
        before = find_last(producers, node.inputs[0])
        undone = before is not None and before.op == "LogSoftmax"
        divided = not {"Div", "Reciprocal"}.isdisjoint(tail.operators)
        if node.op in ("Softmax", "Sigmoid", "HardSigmoid") or (node.op == "Exp" and (undone or divided)):
            probable.append(node.op)
    return probable


def _refuse_second(tail: Tail, ends_in: str, target: ConversionTarget) -> FindingsError:
    found = [node.op for node in tail.activations]
    what = f"the network already ends in {ends_in}, and the entry adds {target.activation}."
    if ends_in not in found:
        behind = ", ".join(tail.operators)
        what = (
            f"the network already applies {_name(found)} before its last nodes ({behind}), "
            f"and the entry adds {target.activation}."
        )
    fix = "Set output.activation: none."
    if ends_in == "LogSoftmax":
        fix = "Set output.activation: softmax, which undoes the logarithm."
    return refuse("E-CONVERT-ACTIVATION-TWICE", target.where, what, fix)


def _name(operators: list[str]) -> str:
    return " and ".join(sorted(set(operators)))
