"""Which runtime a model gets: the compiled engine where it can and agrees, else onnxruntime-web.

The bits of both roundings go into the golden vectors: a device must show one of them, not only be near.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from webipred.digests import hash_bytes
from webipred.engine.compiler.compilation import CompilerError
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.engine.network import Network, PlanError
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.images.decode import decode_image
from webipred.validate.bundle import GoldenVector, OutputDigests, Runtime
from webipred.validate.compiling import compile_apart
from webipred.validate.goldens import Chain
from webipred.validate.report import Check

CHECK_NAME = "runtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineBuilds:
    """net.wasm and net-relaxed.wasm as they are shipped; the builds with threads give the bits of these."""

    plain: bytes
    relaxed: bytes


class CompiledNetwork:
    """A plan on the compiled engine; interface of ReferenceNetwork, bits of the browser."""

    def __init__(self, wasm: bytes, plan: bytes, *, fused: bool = False) -> None:
        """Load a plan into net.wasm, or with `fused` into net-relaxed.wasm. Raises PlanError."""
        self._network = Network(wasm, plan, relaxed_deterministic=fused)

    @property
    def operators(self) -> int:
        """Number of kernel calls of one run."""
        return self._network.operators

    def run(self, tensor: NDArray[np.float32]) -> tuple[float, ...]:
        """Return the first output, flat, for one image, float32 (height, width, channels). Raises PlanError."""
        return tuple(float(value) for value in self.compute(tensor))

    def compute(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the first output as `run` does, float32. Raises PlanError."""
        return self._network.run(tensor[np.newaxis])[0].reshape(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeChoice:
    """What executes a model in the browser, the bytes that it loads, and the check that says why.

    `goldens` are those given, with the digests of the compiled engine's answers if it is the runtime.
    """

    runtime: Runtime
    weights: bytes
    goldens: tuple[GoldenVector, ...]
    check: Check


def choose_runtime(chain: Chain, model: bytes, goldens: Sequence[GoldenVector], builds: EngineBuilds) -> RuntimeChoice:
    """Compile a network and compare both builds with its golden vectors as every device will.

    Falls back where that fails. A fallback is no failure: the report names the operator or the difference.
    """
    fall_back = partial(_fall_back, model, goldens)
    try:
        plan = compile_apart(model, "float32")
        network, relaxed = CompiledNetwork(builds.plain, plan), CompiledNetwork(builds.relaxed, plan, fused=True)
    except UnsupportedOperator as error:
        return fall_back(f"because operator {error.operator}: {error.findings[0].what}")
    except CompilerError as error:
        return fall_back("because the compiler failed", _describe_fault(chain.entry.id, error))
    except PlanError as error:
        return fall_back("because the engine refuses the plan", _describe_refusal(chain.entry.id, error))
    recorded = [record_outputs(chain, network, relaxed, golden) for golden in goldens]
    differing = [golden for golden in recorded if golden.outputs is None]
    if differing:
        return fall_back("because the compiled engine differs", _describe_difference(chain.entry.id, differing))
    detail = f"compiled, {network.operators} kernel calls, {len(goldens)} golden vectors as native onnxruntime"
    return RuntimeChoice(
        runtime="compiled",
        weights=plan,
        goldens=tuple(recorded),
        check=Check(name=CHECK_NAME, outcome="passed", detail=detail),
    )


def _fall_back(model: bytes, goldens: Sequence[GoldenVector], reason: str, *findings: Finding) -> RuntimeChoice:
    check = Check(name=CHECK_NAME, outcome="passed", detail=f"onnxruntime-web, {reason}", findings=findings)
    return RuntimeChoice(runtime="onnxruntime-web", weights=model, goldens=tuple(goldens), check=check)


def record_outputs(chain: Chain, plain: CompiledNetwork, fused: CompiledNetwork, golden: GoldenVector) -> GoldenVector:
    """Return the golden vector with the digests of both roundings, or as it is where one of them does not agree."""
    tensor = chain.preprocessor.run(chain.program, decode_image(golden.image, chain.entry.input))
    answers = plain.compute(tensor), fused.compute(tensor)
    if not all(_agrees(values, golden) for values in answers):
        return golden
    digests = [hash_bytes(values.astype("<f4").tobytes()) for values in answers]
    return replace(golden, outputs=OutputDigests(plain=digests[0], fused=digests[1]))


def _agrees(values: NDArray[np.float32], golden: GoldenVector) -> bool:
    """The rule of the page's self-test: every probability within the golden vector's tolerance."""
    return len(values) == len(golden.probabilities) and all(
        abs(float(value) - expected) <= golden.tolerance  # a NaN is within nothing
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
