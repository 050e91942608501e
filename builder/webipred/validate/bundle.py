"""ModelBundle: everything the site needs of one model; exists only if its report holds no error."""

from dataclasses import dataclass
from typing import Literal

from webipred.catalog.entry import CatalogEntry
from webipred.convert.model import OnnxModel
from webipred.validate.report import Report

Runtime = Literal["compiled", "onnxruntime-web"]
"""What executes a network in the browser: our own engine, or onnxruntime-web for operators that it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDigests:
    """SHA-256 of the compiled engine's answer (float32, little endian), by how products are added: rounded or fused."""

    plain: str
    fused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenVector:
    """One input image and what the reference computed from it.

    `image` is the file as it is; `tensor_sha256` the digest of the preprocessed float32 tensor (little endian, HWC);
    `probabilities` come from native onnxruntime, or from the float16 plan where that is published; `tolerance` is the
    largest absolute difference a device may show; `outputs` are the bits of the compiled engine, if it runs the model.
    """

    name: str
    image: bytes
    image_sha256: str
    class_id: str | None
    tensor_sha256: str
    probabilities: tuple[float, ...]
    tolerance: float
    outputs: OutputDigests | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBundle:
    """A validated model with its preprocessing program, golden vectors and report.

    `weights` are what `runtime` loads: a plan, or the ONNX file itself.
    """

    entry: CatalogEntry
    model: OnnxModel
    program: bytes
    preprocessing_sha256: str
    goldens: tuple[GoldenVector, ...]
    runtime: Runtime
    weights: bytes
    report: Report
    licence_text: str | None
    source_file: str
    source_sha256: str
    source_origin: str

    def __post_init__(self) -> None:
        if self.report.failed:
            raise ValueError(f"{self.entry.id}: a bundle cannot be made from a failed report")
