"""The checks of one entry: each is a named function that returns a Check and never prints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import onnx

from webipred.catalog.catalog import Policy
from webipred.catalog.entry import CatalogEntry, Sample
from webipred.convert.model import INPUT_NAME, OUTPUT_NAME, OnnxModel
from webipred.convert.operators import ALLOWED
from webipred.engine.program import read_result_shape
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding
from webipred.validate.decision import decide
from webipred.validate.goldens import Chain, read_sample
from webipred.validate.report import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A converted entry that asks to be published."""

    entry: CatalogEntry
    model: OnnxModel
    program: bytes
    policy: Policy
    folder: Path


CheckFunction = Callable[[Candidate], Check]


def conclude(name: str, detail: str, findings: Sequence[Finding] = ()) -> Check:
    """Return a check that passed if there are no findings, else failed."""
    return Check(name=name, outcome="failed" if findings else "passed", detail=detail, findings=tuple(findings))


def check_graph(candidate: Candidate) -> Check:
    """The ONNX file is well formed, holds allowed operators only and no data outside."""
    where = f"{candidate.entry.id}.source"
    try:
        onnx.checker.check_model(candidate.model.data, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        finding = Finding(
            code="E-GRAPH-INVALID",
            where=where,
            what=f"onnx refuses the converted network: {str(error).splitlines()[0]}.",
            fix="Report this with the source file; the converter wrote a graph that it should have refused.",
        )
        return conclude("graph", "not well formed", [finding])
    unknown = sorted(set(candidate.model.operators) - ALLOWED)
    findings = [
        Finding(
            code="E-GRAPH-OPERATOR",
            where=where,
            what=f"operator {name} is not allowed.",
            fix="See docs/conversion.md for the operators that can be published.",
        )
        for name in unknown
    ]
    count = sum(candidate.model.operators.values())
    return conclude("graph", f"well formed, {count} nodes of {len(candidate.model.operators)} operators", findings)


def check_interface(candidate: Candidate) -> Check:
    """Input size, channels and number of outputs are those of the entry, read from the graph itself."""
    entry = candidate.entry
    graph = onnx.load_from_string(candidate.model.data).graph
    shapes = {value.name: _read_shape(value) for value in (*graph.input, *graph.output)}
    channels = 3 if entry.input.channels == "rgb" else 1
    expected = {
        INPUT_NAME: [1, entry.input.height, entry.input.width, channels],
        OUTPUT_NAME: [1, len(entry.classes)],
    }
    findings = [
        Finding(
            code="E-INTERFACE-SHAPE",
            where=f"{entry.id}.{'input' if name == INPUT_NAME else 'classes'}",
            what=f"the entry asks for {name} {shape}, the network has {shapes.get(name)}.",
            fix="Correct the entry: sizes and the number of classes are those of the network.",
        )
        for name, shape in expected.items()
        if shapes.get(name) != shape
    ]
    made = list(read_result_shape(candidate.program))
    if made != expected[INPUT_NAME][1:]:
        findings.append(
            Finding(
                code="E-INTERFACE-PREPROCESSING",
                where=f"{entry.id}.preprocessing",
                what=f"the steps make a tensor of {made} (height, width, channels), not {expected[INPUT_NAME][1:]}.",
                fix="Correct the steps, or input.channels.",
            )
        )
    return conclude(
        "interface", f"{entry.input.height} × {entry.input.width} × {channels} → {len(entry.classes)}", findings
    )


def _read_shape(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def check_size(candidate: Candidate) -> Check:
    """The weights are within the policy's size."""
    megabytes = len(candidate.model.data) / 1e6
    limit = candidate.policy.max_model_mb
    findings = []
    if megabytes > limit:
        findings.append(
            Finding(
                code="E-SIZE-POLICY",
                where=f"{candidate.entry.id}.source",
                what=f"the weights take {megabytes:.1f} MB, policy.max_model_mb allows {limit:g}.",
                fix="Raise the limit, or publish a smaller model.",
            )
        )
    return conclude("size", f"{megabytes:.1f} MB of at most {limit:g} MB", findings)


def check_licence(candidate: Candidate) -> Check:
    """The licence of the weights is one that the policy allows."""
    licence, allowed = candidate.entry.license.weights, candidate.policy.licenses.allow
    findings = []
    if licence not in allowed:
        findings.append(
            Finding(
                code="E-LICENSE-POLICY",
                where=f"{candidate.entry.id}.license.weights",
                what=f"licence {licence!r} is not allowed; policy.licenses.allow holds {', '.join(allowed)}.",
                fix="Read the licence at the source and enter it; widen the policy only if it permits publishing.",
            )
        )
    try:
        read_notice(candidate.entry, candidate.folder)
    except FindingsError as error:
        findings += error.findings
    return conclude("licence", licence, findings)


def read_notice(entry: CatalogEntry, folder: Path) -> str | None:
    """Return the licence text to ship with the weights, or None if the entry names none.

    Raises FindingsError E-LICENSE-NOTICE for a file that is missing, lies outside `folder` or is no UTF-8 text.
    """
    if entry.license.notice is None:
        return None
    path = (folder / entry.license.notice).resolve()
    fault = "does not exist." if not path.is_file() else ""
    if not path.is_relative_to(folder.resolve()):
        fault = "leads out of the catalog's folder, whose files alone are published."
    try:
        return path.read_text(encoding="utf-8") if not fault else _refuse_notice(entry, fault)
    except UnicodeDecodeError:
        return _refuse_notice(entry, "is not UTF-8 text.")


def _refuse_notice(entry: CatalogEntry, fault: str) -> NoReturn:
    raise refuse(
        "E-LICENSE-NOTICE",
        f"{entry.id}.license.notice",
        f"{entry.license.notice} {fault}",
        "Name the text file with the licence that must be shipped with the weights.",
    )


def check_use(candidate: Candidate) -> Check:
    """Intended use, use out of scope and limitations are stated."""
    entry = candidate.entry
    stated = {"intended_use": entry.intended_use, "out_of_scope": entry.out_of_scope, "limitations": entry.limitations}
    findings = [
        Finding(
            code="E-USE-MISSING",
            where=f"{entry.id}.{name}",
            what="is not stated.",
            fix="Say what the model is for, what it is not for, and what limits are known.",
        )
        for name, value in stated.items()
        if not value
    ]
    return conclude("use", f"stated, {len(entry.limitations)} limitations", findings)


STATIC_CHECKS: tuple[CheckFunction, ...] = (
    check_graph,
    check_interface,
    check_size,
    check_licence,
    check_use,
)


def check_class_order(candidate: Candidate, chain: Chain) -> Check:
    """Every labelled sample comes out as labelled, and every class has at least one: the class order is proved."""
    entry = candidate.entry
    findings: list[Finding] = []
    right = 0
    for sample in entry.samples:
        try:
            data = read_sample(sample, candidate.folder, entry.id)
            _, probabilities = chain.predict(data, f"{entry.id}, sample {sample.file}")
        except FindingsError as error:
            findings += error.findings
            continue
        decided = decide(probabilities, entry.classes, multi_label=entry.task == "multi-label")
        if sample.class_id in decided:
            right += 1
            continue
        findings.append(_describe_mismatch(entry, sample, probabilities, decided))
    findings += _find_unproved(entry)
    return conclude("class-order", f"{right} of {len(entry.samples)} labelled samples come out as labelled", findings)


def _describe_mismatch(
    entry: CatalogEntry, sample: Sample, probabilities: Sequence[float], decided: Sequence[str]
) -> Finding:
    shown = ", ".join(f"{c.id} {p:.4f}" for c, p in zip(entry.classes, probabilities, strict=True))
    return Finding(
        code="E-CLASS-ORDER",
        where=f"{entry.id}.samples",
        what=f"{sample.file} is {sample.class_id}, the network says {', '.join(decided) or 'none'} ({shown}).",
        fix="Check the order of classes against the training code, then preprocessing; never reorder until it fits.",
    )


def _find_unproved(entry: CatalogEntry) -> list[Finding]:
    proved = {sample.class_id for sample in entry.samples}
    return [
        Finding(
            code="E-CLASS-UNPROVED",
            where=f"{entry.id}.samples",
            what=f"class {model_class.id!r} has no labelled sample, so the order of classes is not proved.",
            fix="Add at least one image of known class for every class.",
        )
        for model_class in entry.classes
        if model_class.id not in proved
    ]
