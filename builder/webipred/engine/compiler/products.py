"""Rules for matrix products: Dense where one side is a constant matrix, else MatMul; Gemm and Einsum become these."""

from collections.abc import Callable
from typing import Final

import numpy as np

from webipred.engine.compiler.graph import Node, Rewriter, size_of
from webipred.engine.compiler.operands import constant_of, reshaped, shape_of, transposed

TWO: Final = 2


def matmul(rewriter: Rewriter, node: Node) -> str:
    """MatMul under numpy's rules for vectors and leading axes."""
    left, right = node.inputs
    if len(rewriter.shapes[left]) == 1:
        left = reshaped(rewriter, left, (1, *rewriter.shapes[left]))
    if len(rewriter.shapes[right]) == 1:
        right = reshaped(rewriter, right, (*rewriter.shapes[right], 1))
    result = multiply(rewriter, left, right, node.output)
    return reshaped(rewriter, result, shape_of(rewriter, node), node.output)


def multiply(rewriter: Rewriter, left: str, right: str, wish: str) -> str:
    """Emit the product of two values with at least two axes each."""
    rows, columns = rewriter.shapes[left], rewriter.shapes[right]
    matrix = rewriter.constants.get(right)
    if matrix is not None and size_of(columns[:-TWO]) == 1 and left not in rewriter.constants:
        flat = reshaped(rewriter, right, columns[-TWO:])
        return rewriter.emit("Dense", [left, flat], (*rows[:-1], columns[-1]), wish)
    lead = np.broadcast_shapes(rows[:-TWO], columns[:-TWO])
    return rewriter.emit("MatMul", [left, right], (*lead, rows[-TWO], columns[-1]), wish)


def gemm(rewriter: Rewriter, node: Node) -> str:
    """α·A·B + β·C; a constant B takes α, a constant C takes β."""
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    left = transposed(rewriter, node.inputs[0], (1, 0)) if node.integer("transA") else node.inputs[0]
    shape = shape_of(rewriter, node)
    matrix = rewriter.constants.get(node.inputs[1])
    if matrix is None:
        right = transposed(rewriter, node.inputs[1], (1, 0)) if node.integer("transB") else node.inputs[1]
        product = rewriter.emit("MatMul", [left, right], shape, f"{node.output}.product")
        product = scale(rewriter, product, alpha, f"{node.output}.scaled")
    else:
        matrix = matrix.T if node.integer("transB") else matrix
        weights = rewriter.constant(matrix.astype(np.float32) * np.float32(alpha), f"{node.output}.matrix")
        product = rewriter.emit("Dense", [left, weights], shape, f"{node.output}.product")
    if not node.input(2):
        return product
    if node.inputs[2] in rewriter.constants:
        bias = np.asarray(constant_of(rewriter, node, 2)) * np.float32(beta)
        return rewriter.emit("Add", [product, rewriter.constant(bias, f"{node.output}.bias")], shape, node.output)
    bias_name = scale(rewriter, node.inputs[2], beta, f"{node.output}.bias")
    return rewriter.emit("Add", [product, bias_name], shape, node.output)


def scale(rewriter: Rewriter, name: str, factor: float, wish: str) -> str:
    """Emit the product with a number, nothing for 1."""
    if factor == 1.0:
        return name
    constant = rewriter.constant(np.array([factor], np.float32), f"{wish}.factor")
    return rewriter.emit("Mul", [name, constant], rewriter.shapes[name], wish)


def einsum(rewriter: Rewriter, node: Node) -> str:
    """Einsum of two values whose letters each appear once a side: a product of matrices between transpositions."""
    terms, separator, result = node.text("equation").replace(" ", "").partition("->")
    sides = terms.split(",")
    if not separator or len(sides) != TWO or len(node.inputs) != TWO or "." in terms:
        raise node.refuse(f"the equation {node.text('equation')!r}")
    a, b = sides
    shared = [letter for letter in a if letter in b]
    alone = [letter for letter in (*a, *b) if letter not in result and letter not in shared]
    if alone or any(len(set(text)) != len(text) for text in (a, b, result)) or set(result) - set(a + b):
        raise node.refuse(f"the equation {node.text('equation')!r}")
    sizes = dict(zip(a + b, (*rewriter.shapes[node.inputs[0]], *rewriter.shapes[node.inputs[1]]), strict=True))
    batch = [letter for letter in shared if letter in result]
    inner = [letter for letter in shared if letter not in result]
    rows, columns = ([letter for letter in side if letter not in shared] for side in (a, b))

    def arrange(name: str, side: str, *groups: list[str]) -> str:
        order = tuple(side.index(letter) for group in groups for letter in group)
        turned = name if order == tuple(range(len(order))) else transposed(rewriter, name, order)
        return reshaped(rewriter, turned, tuple(size_of(tuple(sizes[item] for item in group)) for group in groups))

    left = arrange(node.inputs[0], a, batch, rows, inner)
    right = arrange(node.inputs[1], b, batch, inner, columns)
    made = [*batch, *rows, *columns]
    product = multiply(rewriter, left, right, f"{node.output}.product")
    spread = reshaped(rewriter, product, tuple(sizes[letter] for letter in made))
    order = tuple(made.index(letter) for letter in result)
    turned = spread if order == tuple(range(len(order))) else transposed(rewriter, spread, order)
    return reshaped(rewriter, turned, shape_of(rewriter, node), node.output)


RULES: Final[dict[str, Callable[[Rewriter, Node], str]]] = {"MatMul": matmul, "Gemm": gemm, "Einsum": einsum}
