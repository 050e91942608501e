"""Which runtime a model gets: the compiled engine where it can and agrees, else onnxruntime-web."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from webipred.engine.compiler.compilation import CompilerError
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.engine.network import Network, PlanError
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.images.decode import decode_image
from webipred.validate.bundle import GoldenVector, Runtime
from webipred.validate.compiling import compile_apart
from webipred.validate.goldens import Chain
from webipred.validate.report import Check

CHECK_NAME = "runtime"


class CompiledNetwork:
    """A plan on the compiled engine; interface of ReferenceNetwork, bits of the browser."""

    def __init__(self, wasm: bytes, plan: bytes) -> None:
        """Load a plan into net.wasm. Raises PlanError."""
        self._network = Network(wasm, plan)

    @property
    def operators(self) -> int:
        """Number of kernel calls of one run."""
        return self._network.operators

    def run(self, tensor: NDArray[np.float32]) -> tuple[float, ...]:
        """Return the first output, flat, for one image, float32 (height, width, channels). Raises PlanError."""
        values = self._network.run(tensor[np.newaxis])[0]
        return tuple(float(value) for value in values.reshape(-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeChoice:
    """What executes a model in the browser, the bytes that it loads, and the check that says why."""

    runtime: Runtime
    weights: bytes
    check: Check


def choose_runtime(chain: Chain, model: bytes, goldens: Sequence[GoldenVector], wasm: bytes) -> RuntimeChoice:
    """Compile a network and compare it with its golden vectors as every device will; fall back where that fails.

    `wasm` is net.wasm as it is shipped. A fallback is no failure: the report names the operator or the difference.
    """
    try:
        plan = compile_apart(model, "float32")
        network = CompiledNetwork(wasm, plan)
    except UnsupportedOperator as error:
        return _fall_back(model, f"because operator {error.operator}: {error.findings[0].what}")
    except CompilerError as error:
        return _fall_back(model, "because the compiler failed", _describe_fault(chain.entry.id, error))
    except PlanError as error:
        return _fall_back(model, "because the engine refuses the plan", _describe_refusal(chain.entry.id, error))
    differing = [golden for golden in goldens if not _agrees(chain, network, golden)]
    if differing:
        return _fall_back(model, "because the compiled engine differs", _describe_difference(chain.entry.id, differing))
    detail = f"compiled, {network.operators} kernel calls, {len(goldens)} golden vectors as native onnxruntime"
    return RuntimeChoice(
        runtime="compiled", weights=plan, check=Check(name=CHECK_NAME, outcome="passed", detail=detail)
    )


def _fall_back(model: bytes, reason: str, *findings: Finding) -> RuntimeChoice:
    check = Check(name=CHECK_NAME, outcome="passed", detail=f"onnxruntime-web, {reason}", findings=findings)
    return RuntimeChoice(runtime="onnxruntime-web", weights=model, check=check)


def _agrees(chain: Chain, network: CompiledNetwork, golden: GoldenVector) -> bool:
    """The rule of the page's self-test: every probability within the golden vector's tolerance."""
    values = network.run(chain.preprocessor.run(chain.program, decode_image(golden.image, chain.entry.input)))
    return len(values) == len(golden.probabilities) and all(
        abs(value - expected) <= golden.tolerance  # a NaN is within nothing
        for value, expected in zip(values, golden.probabilities, strict=True)
    )


def _describe_difference(entry_id: str, differing: Sequence[GoldenVector]) -> Finding:
    names = ", ".join(golden.name for golden in differing)
    return Finding(
        code="W-RUNTIME-DIFFERS",
        where=f"{entry_id}.source",
        what=f"the compiled engine differs from native onnxruntime by more than {differing[0].tolerance:g} on {names}.",
        fix="The model runs on onnxruntime-web, which is larger and slower; please report this with the source file.",
    )


def _describe_fault(entry_id: str, fault: CompilerError) -> Finding:
    return Finding(
        code="W-RUNTIME-COMPILER",
        where=f"{entry_id}.source",
        what=f"the compiler failed in its step {fault.step} ({fault.kind}).",
        fix="The model runs on onnxruntime-web, which is larger and slower; please report this with the source file.",
    )


def _describe_refusal(entry_id: str, error: FindingsError) -> Finding:
    return Finding(
        code="W-RUNTIME-PLAN",
        where=f"{entry_id}.source",
        what=error.findings[0].what,
        fix="The model runs on onnxruntime-web, which is larger and slower; please report this with the source file.",
    )
