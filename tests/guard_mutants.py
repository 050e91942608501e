"""Mutants of guards: every `if` that leads to a refusal, switched off one at a time in the running code."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

CODE = re.compile(r"E-[A-Z0-9]+(?:-[A-Z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One condition of one function that is taken as false."""

    module: ModuleType
    function: str
    number: int
    code: str
    condition: str

    @property
    def name(self) -> str:
        """Module, function, number of the condition in it, and the code that its refusal has."""
        return f"{self.module.__name__.rpartition('.')[2]}.{self.function}#{self.number} {self.code}"


def list_mutants(module: ModuleType, named: Mapping[str, str]) -> list[Mutant]:
    """Return a mutant for every condition whose body refuses, in the order of the source.

    A body refuses if it holds a code, or a name of `named`: a function or exception that stands for a code; a function
    of that name refuses wherever it returns something.
    """
    return [
        Mutant(module=module, function=name, number=number, code=code, condition=ast.unparse(branch.test))
        for name, function in _list_functions(_parse(module))
        for number, branch in enumerate(_list_branches(function))
        if (code := _find_code(branch, named) or (named.get(name, "") if _returns_text(branch) else ""))
    ]


@contextmanager
def switch_off(mutant: Mutant) -> Iterator[None]:
    """Run with that condition taken as false, for everybody who holds the function."""
    tree = _parse(mutant.module)
    functions = dict(_list_functions(tree))
    _list_branches(functions[mutant.function])[mutant.number].test = ast.Constant(False)
    whole = compile(ast.fix_missing_locations(tree), inspect.getfile(mutant.module), "exec")
    function = find_function(mutant.module, mutant.function)
    original = function.__code__
    function.__code__ = next(code for code in _list_code(whole) if code.co_qualname == mutant.function)
    try:
        yield
    finally:
        function.__code__ = original


def find_function(module: ModuleType, name: str) -> FunctionType:
    """Return a function or method of a module, without what wraps it."""
    found: object = module
    for part in name.split("."):
        found = getattr(found, part)
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    assert isinstance(found, FunctionType)
    return found


def _parse(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _list_functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{item.name}", item) for item in node.body if isinstance(item, ast.FunctionDef))


def _list_branches(function: ast.FunctionDef) -> list[ast.If]:
    return [node for node in ast.walk(function) if isinstance(node, ast.If)]


def _find_code(branch: ast.If, named: Mapping[str, str]) -> str:
    """Return the code in the body of a branch, but not in branches inside of it."""
    for statement in branch.body:
        if isinstance(statement, ast.If | ast.For | ast.While):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                return node.value
            if isinstance(node, ast.Name) and node.id in named:
                return named[node.id]
    return ""


def _returns_text(branch: ast.If) -> bool:
    values = [item.value for item in branch.body if isinstance(item, ast.Return)]
    return any(isinstance(value, ast.JoinedStr | ast.Constant) and value is not None for value in values)


def _list_code(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _list_code(constant)
