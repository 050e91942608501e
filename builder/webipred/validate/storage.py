"""float16 storage as an entry's choice: what it changes is measured on every image there is, shown, and gated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webipred.catalog.entry import CatalogEntry
from webipred.engine.compiler.compilation import CompilerError
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.images.decode import decode_image
from webipred.validate.bundle import GoldenVector
from webipred.validate.compiling import compile_apart
from webipred.validate.decision import decide
from webipred.validate.goldens import DECIMALS, Chain
from webipred.validate.reference import check_probabilities
from webipred.validate.report import Check
from webipred.validate.runtime import CompiledNetwork, EngineBuilds, RuntimeChoice, record_outputs

CHECK_NAME = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The bytes that are published, the golden vectors that they give, and the check that tells what changed."""

    weights: bytes
    goldens: tuple[GoldenVector, ...]
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What float16 does to one image: probabilities of the float32 reference and of the float16 plan."""

    name: str
    full: tuple[float, ...]
    half: tuple[float, ...]

    @property
    def size(self) -> float:
        """Largest absolute difference of a probability."""
        return max(abs(a - b) for a, b in zip(self.full, self.half, strict=True))

    def flips(self, entry: CatalogEntry) -> bool:
        """Whether another label comes out."""
        multi_label = entry.task == "multi-label"
        before, after = (decide(values, entry.classes, multi_label=multi_label) for values in (self.full, self.half))
        return before != after


def store_weights(
    chain: Chain,
    choice: RuntimeChoice,
    samples: Sequence[tuple[str, bytes]],
    model: bytes,
    builds: EngineBuilds,
    max_change: float,
) -> Stored:
    """Return what is published: the choice as it is for float32, else the float16 plan and its own golden vectors.

    `samples` are (name, image file); `max_change` is the largest change of a probability that is let through. Another
    label on any image is never let through.
    """
    goldens = choice.goldens
    if chain.entry.weights.storage == "float32":
        check = Check(name=CHECK_NAME, outcome="passed", detail="float32")
        return Stored(weights=choice.weights, goldens=goldens, check=check)
    try:
        plan = _compile_half(chain, choice, model)
        network, fused = CompiledNetwork(builds.plain, plan), CompiledNetwork(builds.relaxed, plan, fused=True)
        images = [*samples, *((golden.name, golden.image) for golden in goldens)]
        changes = [_measure(chain, network, name, image) for name, image in images]
        pairs = zip(goldens, changes[len(samples) :], strict=True)
        own = tuple(_take_over(chain, network, fused, golden, change) for golden, change in pairs)
    except FindingsError as error:
        check = Check(name=CHECK_NAME, outcome="failed", detail="float16 cannot be used", findings=error.findings)
        return Stored(weights=choice.weights, goldens=goldens, check=check)
    check = judge_changes(chain.entry, changes, max_change, len(plan), len(choice.weights))
    return Stored(weights=plan, goldens=own, check=check)


def _compile_half(chain: Chain, choice: RuntimeChoice, model: bytes) -> bytes:
    if choice.runtime != "compiled":
        raise FindingsError(
            [_describe(chain.entry, "E-STORAGE-RUNTIME", f"{choice.check.detail}, which has no float16.")]
        )
    try:
        return compile_apart(model, "float16")
    except CompilerError as error:
        what = f"the compiler failed in its step {error.step} ({error.kind})."
        raise FindingsError([_describe(chain.entry, "E-STORAGE-RUNTIME", what)]) from error


def _measure(chain: Chain, network: CompiledNetwork, name: str, image: bytes) -> Change:
    entry = chain.entry
    tensor = chain.preprocessor.run(chain.program, decode_image(image, entry.input))
    exclusive = entry.task == "classification"
    full, half = (
        check_probabilities(runner.run(tensor), exclusive=exclusive, where=f"{entry.id}, {name} in {storage}")
        for runner, storage in ((chain.network, "float32"), (network, "float16"))
    )
    return Change(name=name, full=full, half=half)


def _take_over(
    chain: Chain, network: CompiledNetwork, fused: CompiledNetwork, golden: GoldenVector, change: Change
) -> GoldenVector:
    """Return the golden vector that the float16 plan gives: page, self-test and predict then agree with it.

    Raises FindingsError where the two roundings are further apart than a device may be.
    """
    given = replace(golden, probabilities=tuple(round(value, DECIMALS) for value in change.half), outputs=None)
    own = record_outputs(chain, network, fused, given)
    if own.outputs is None:
        what = f"the builds of the engine differ by more than {golden.tolerance:g} on {golden.name} in float16."
        raise FindingsError([_describe(chain.entry, "E-STORAGE-RUNTIME", what)])
    return own


def judge_changes(
    entry: CatalogEntry, changes: Sequence[Change], max_change: float, half_bytes: int, full_bytes: int
) -> Check:
    """Return the check: failed where a probability changes by more than `max_change` or a label changes at all."""
    flipped = [change.name for change in changes if change.flips(entry)]
    largest = max(changes, key=lambda change: change.size)
    findings = []
    if flipped:
        what = f"float16 changes the label of {', '.join(flipped)}."
        findings.append(_describe(entry, "E-STORAGE-LABEL", what))
    if not largest.size <= max_change:
        what = (
            f"float16 changes a probability of {largest.name} by {largest.size:.2g}, "
            f"policy.max_float16_change allows {max_change:g}."
        )
        findings.append(_describe(entry, "E-STORAGE-CHANGE", what))
    detail = (
        f"float16: probabilities change by at most {largest.size:.2g} over {len(changes)} images, "
        f"{len(flipped)} labels change, {half_bytes / 1e6:.1f} MB instead of {full_bytes / 1e6:.1f} MB"
    )
    return Check(name=CHECK_NAME, outcome="failed" if findings else "passed", detail=detail, findings=tuple(findings))


def _describe(entry: CatalogEntry, code: str, what: str) -> Finding:
    return Finding(code=code, where=f"{entry.id}.weights.storage", what=what, fix="Use float32.")
