"""Lower everything that only moves elements to strided copies."""

from collections.abc import Sequence

from webipred.engine.compiler.graph import Node
from webipred.engine.compiler.instructions import Assembly, View
from webipred.engine.compiler.plan_format import RANK, Code


def copy_view(
    assembly: Assembly,
    node: Node,
    x: View,
    x_start: int,
    x_steps: Sequence[int],
    y: View,
    y_start: int,
    sizes: Sequence[int],
) -> None:
    """Emit y[y_start + …] = x[x_start + …] over `sizes`, the axes of y in order."""
    lead = RANK - len(sizes)
    parameters = (x_start, y_start, *(1,) * lead, *sizes, *(0,) * lead, *x_steps, *(0,) * lead, *y.steps)
    assembly.emit(Code.COPY, node, (x,), y, parameters)


def transpose_view(assembly: Assembly, node: Node, x: View, order: Sequence[int], y: View) -> None:
    """Emit a transposition."""
    copy_view(assembly, node, x, 0, [x.steps[axis] for axis in order], y, 0, y.dims)


def start_at(view: View, starts: Sequence[int]) -> int:
    """Return the place of an element, in floats from the view's first."""
    return sum(start * step for start, step in zip(starts, view.steps, strict=True))


def lower_transpose(assembly: Assembly, node: Node) -> None:
    """Another order of axes."""
    transpose_view(assembly, node, assembly.view(node.inputs[0]), node.integers("perm"), assembly.view(node.output))


def lower_box(assembly: Assembly, node: Node) -> None:
    """A part of a value, every n-th element of it."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    steps = [step * factor for step, factor in zip(x.steps, node.integers("steps"), strict=True)]
    copy_view(assembly, node, x, start_at(x, node.integers("starts")), steps, y, 0, y.dims)


def lower_concat(assembly: Assembly, node: Node) -> None:
    """Copies of the parts that were not written in place already."""
    y = assembly.view(node.output)
    axis = node.integer("axis") % len(y.dims)
    starts = [0] * len(y.dims)
    for name in node.inputs:
        x = assembly.view(name)
        placed = assembly.places.get(name)
        if placed is None or placed.whole != node.output:
            copy_view(assembly, node, x, 0, x.steps, y, start_at(y, starts), x.dims)
        starts[axis] += x.dims[axis]


def lower_pad(assembly: Assembly, node: Node) -> None:
    """Fill with the value, then copy the inside."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    assembly.emit(Code.FILL, node, (), y, (node.number("value"),))
    copy_view(assembly, node, x, 0, x.steps, y, start_at(y, node.integers("before")), x.dims)


def lower_spread(assembly: Assembly, node: Node) -> None:
    """Elements at every n-th place, zeros between them."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    assembly.emit(Code.FILL, node, (), y, (0.0,))
    steps = tuple(step * factor for step, factor in zip(y.steps, node.integers("steps"), strict=True))
    lead = RANK - len(x.dims)
    parameters = (0, 0, *(1,) * lead, *x.dims, *(0,) * lead, *x.steps, *(0,) * lead, *steps)
    assembly.emit(Code.COPY, node, (x,), y, parameters)


def lower_expand(assembly: Assembly, node: Node) -> None:
    """Repetition along axes of size 1: steps of 0."""
    x, y = assembly.view(node.inputs[0]), assembly.view(node.output)
    lead = len(y.dims) - len(x.dims)
    steps = [0] * lead + [0 if size == 1 else step for size, step in zip(x.dims, x.steps, strict=True)]
    copy_view(assembly, node, x, 0, steps, y, 0, y.dims)
