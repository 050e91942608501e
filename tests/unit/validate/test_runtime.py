"""The choice of runtime: compiled where the engine can and agrees, otherwise onnxruntime-web, with the reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from entries import make_entry
from tiny_models import make_colour_network, make_foreign_network
from webipred.assets import read_asset
from webipred.digests import hash_bytes
from webipred.engine.compiler.compilation import CompilerError, compile_network
from webipred.engine.network import PlanError
from webipred.engine.preprocessor import Preprocessor
from webipred.engine.program import compile_program
from webipred.images.decode import decode_image
from webipred.validate.bundle import GoldenVector
from webipred.validate.goldens import TOLERANCE, Chain, record_goldens
from webipred.validate.reference import ReferenceNetwork
from webipred.validate.runtime import CompiledNetwork, EngineBuilds, RuntimeChoice, choose_runtime

BUILDS = EngineBuilds(plain=read_asset("net.wasm"), relaxed=read_asset("net-relaxed.wasm"))


def make_chain(folder: Path, network: bytes) -> Chain:
    entry = make_entry(folder)
    return Chain(
        entry=entry,
        program=compile_program(entry.preprocessing, entry.input),
        preprocessor=Preprocessor(read_asset("engine.wasm")),
        network=ReferenceNetwork(network),
    )


def choose(folder: Path, network: bytes, **change: tuple[float, ...]) -> RuntimeChoice:
    """Return the choice for a network; `change` replaces fields of the last golden vector."""
    chain = make_chain(folder, network)
    *others, last = record_goldens(chain, [])
    goldens: list[GoldenVector] = [*others, replace(last, **change)]  # type: ignore[arg-type]
    return choose_runtime(chain, network, goldens, BUILDS)


def test_a_network_of_known_operators_is_compiled(tmp_path: Path) -> None:
    network = make_colour_network()
    choice = choose(tmp_path, network)
    assert ("compiled", compile_network(network).data) == (choice.runtime, choice.weights)
    assert ("runtime", "passed", ()) == (choice.check.name, choice.check.outcome, choice.check.findings)
    assert choice.check.detail.startswith("compiled, ")


def test_the_bits_of_both_roundings_are_recorded_for_every_golden_vector(tmp_path: Path) -> None:
    choice = choose(tmp_path, make_colour_network(gain=7.3))
    assert "compiled" == choice.runtime
    digests = [golden.outputs for golden in choice.goldens]
    assert all(digest is not None and 64 == len(digest.plain) == len(digest.fused) for digest in digests)
    assert any(digest is not None and digest.plain != digest.fused for digest in digests)


def test_the_recorded_bits_are_those_of_the_plain_build(tmp_path: Path) -> None:
    network = make_colour_network(gain=7.3)
    chain, choice = make_chain(tmp_path, network), choose(tmp_path, network)
    compiled = CompiledNetwork(BUILDS.plain, choice.weights)
    for golden in choice.goldens:
        values = compiled.compute(chain.preprocessor.run(chain.program, decode_image(golden.image, chain.entry.input)))
        assert golden.outputs is not None
        assert hash_bytes(values.tobytes()) == golden.outputs.plain


def test_a_model_on_onnxruntime_has_no_bits(tmp_path: Path) -> None:
    assert {None} == {golden.outputs for golden in choose(tmp_path, make_foreign_network()).goldens}


def test_an_operator_that_the_engine_lacks_is_named_and_the_onnx_file_stays(tmp_path: Path) -> None:
    network = make_foreign_network()
    choice = choose(tmp_path, network)
    assert ("onnxruntime-web", network) == (choice.runtime, choice.weights)
    assert "onnxruntime-web, because operator LpNormalization" in choice.check.detail
    assert ("passed", ()) == (choice.check.outcome, choice.check.findings)


def test_a_difference_from_the_reference_is_a_warning_that_names_the_image(tmp_path: Path) -> None:
    network = make_colour_network()
    choice = choose(tmp_path, network, probabilities=(0.5, 0.5))
    assert ("onnxruntime-web", network) == (choice.runtime, choice.weights)
    (finding,) = choice.check.findings
    assert ("W-RUNTIME-DIFFERS", "passed") == (finding.code, choice.check.outcome)
    assert "pattern-gif" in finding.what


def test_another_number_of_outputs_differs(tmp_path: Path) -> None:
    choice = choose(tmp_path, make_colour_network(), probabilities=(0.5, 0.25, 0.25))
    assert ["W-RUNTIME-DIFFERS"] == [finding.code for finding in choice.check.findings]


def test_a_plan_that_the_engine_refuses_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of another version cannot be had, so the plan's version word is changed on its way."""
    damaged = compile_network(make_colour_network())
    damaged = replace(damaged, data=damaged.data[:4] + b"\xff" + damaged.data[5:])
    monkeypatch.setattr("webipred.validate.runtime.compile_apart", lambda *_: damaged.data)
    choice = choose(tmp_path, make_colour_network())
    assert ("onnxruntime-web", "W-RUNTIME-PLAN") == (choice.runtime, choice.check.findings[0].code)


def test_a_fault_of_the_compiler_is_a_warning_that_names_its_step_and_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault that is known would be mended, so one is raised in its place."""

    def fail(_: bytes, storage: str) -> bytes:
        raise CompilerError("sink_transposes", "KeyError")

    monkeypatch.setattr("webipred.validate.runtime.compile_apart", fail)
    choice = choose(tmp_path, make_colour_network())
    (finding,) = choice.check.findings
    assert ("onnxruntime-web", "W-RUNTIME-COMPILER", "passed") == (choice.runtime, finding.code, choice.check.outcome)
    assert "the compiler failed in its step sink_transposes (KeyError)." == finding.what


def test_the_compiled_network_answers_as_the_reference(tmp_path: Path) -> None:
    network = make_colour_network()
    chain = make_chain(tmp_path, network)
    tensor = chain.preprocessor.run(chain.program, _make_pixels())
    compiled = CompiledNetwork(read_asset("net.wasm"), compile_network(network).data)
    assert compiled.run(tensor) == pytest.approx(chain.network.run(tensor), abs=TOLERANCE)


def test_bytes_that_are_no_plan_are_refused() -> None:
    with pytest.raises(PlanError, match="E-ENGINE-PLAN"):
        CompiledNetwork(read_asset("net.wasm"), b"no plan" * 32)


def _make_pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
