"""Networks are compiled in a process of their own; its limits and its faults have names."""

import dataclasses

import pytest

from tiny_models import make_colour_network, make_foreign_network
from webipred.engine.compiler.compilation import CompilerError, compile_network
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.validate.compiler_worker import LIMITS
from webipred.validate.compiling import compile_apart


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_the_process_gives_the_plan_that_the_compiler_gives(storage: str) -> None:
    network = make_colour_network()
    assert compile_network(network, storage).data == compile_apart(network, storage)  # type: ignore[arg-type]  # both are literals


def test_an_operator_that_is_missing_comes_back_with_its_name() -> None:
    with pytest.raises(UnsupportedOperator) as caught:
        compile_apart(make_foreign_network(), "float32")
    assert "LpNormalization" == caught.value.operator


def test_bytes_that_are_no_network_are_a_fault_of_the_first_step() -> None:
    with pytest.raises(CompilerError) as caught:
        compile_apart(b"no network", "float32")
    assert ("read_graph", "DecodeError") == (caught.value.step, caught.value.kind)


def test_a_process_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    short = dataclasses.replace(LIMITS, wall_s=0.01)
    monkeypatch.setattr("webipred.validate.compiling.LIMITS", short)
    with pytest.raises(CompilerError, match=r"more than 0\.01 s"):
        compile_apart(make_colour_network(), "float32")
