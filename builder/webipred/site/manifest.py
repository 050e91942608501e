"""The contract between builder and page: the bundle manifest and the site manifest, one JSON form each.

The TypeScript twin is site_templates/app/shared/manifest.ts; tests/unit/site/test_manifest.py checks that both
name the same fields.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from webipred.validate.bundle import Runtime

FORMAT_VERSION: Literal[1] = 1


class ManifestNode(BaseModel):
    """Base of every manifest node."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class FileRef(ManifestNode):
    """One file of the site."""

    path: str
    """Relative to the root of the site."""
    sha256: str
    """Digest of the bytes."""
    size_bytes: int
    """Size in bytes."""


class ClassRef(ManifestNode):
    """One class in the order of the outputs."""

    id: str
    """Column name."""
    label: dict[str, str]
    """Language → name for people; every language of the site."""
    threshold: float | None
    """Operating point, or null: then the class with the largest probability is reported."""


class InputRef(ManifestNode):
    """What the network takes and how files are decoded (docs/catalog.md)."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    channels: Literal["rgb", "gray"]
    """Channels after decoding."""
    exif: Literal["ignore", "apply"]
    """EXIF orientation."""
    bit_depth: Literal["reject", "saturate", "shift"]
    """16-bit files."""
    alpha: Literal["reject", "drop"]
    """Transparent files."""


class PreprocessingRef(ManifestNode):
    """The preprocessing program that the engine runs."""

    program: str
    """Base64 of the compiled program (docs/preprocessor.md)."""
    sha256: str
    """Digest of input rules, steps and program; written into every exported row."""
    steps: list[str]
    """The steps as sentences for people."""


class OutputDigestsRef(ManifestNode):
    """Digests of what the compiled engine answers to a golden image: float32 little endian, flat, class order."""

    plain: str
    """Of the plain builds, and of the relaxed builds on processors that round each product."""
    fused: str
    """Of the relaxed builds on processors that fuse a product and a sum."""


class GoldenRef(ManifestNode):
    """One golden vector of the self-test."""

    image: FileRef
    """The input image."""
    class_id: str | None
    """Its class, where known."""
    tensor_sha256: str
    """Digest of the preprocessed tensor: float32 little endian, height × width × channels."""
    probabilities: list[float]
    """What the reference computed."""
    tolerance: float
    """Largest absolute difference of a probability that passes."""
    outputs: OutputDigestsRef | None
    """What the compiled engine's bits must be; None for models with runtime onnxruntime-web."""


class BundleManifest(ManifestNode):
    """Everything the workspace knows about one model."""

    format_version: Literal[1]
    """Version of this contract; the page refuses others."""
    id: str
    """Entry id."""
    version: str
    """Entry version."""
    name: dict[str, str]
    """Language → title."""
    summary: dict[str, str]
    """Language → plain text."""
    intended_use: dict[str, str]
    """Language → plain text."""
    cautions: list[dict[str, str]]
    """Language → plain text."""
    task: Literal["classification", "multi-label"]
    """How classes are decided."""
    discipline: str
    """For grouping in the picker."""
    modality: list[str]
    """For display."""
    input: InputRef
    """Decoding."""
    preprocessing: PreprocessingRef
    """Preprocessing."""
    classes: Annotated[list[ClassRef], Field(min_length=2)]
    """In the order of the outputs."""
    runtime: Runtime
    """What executes the weights: our own engine, or the fallback for operators that it lacks."""
    weights: FileRef
    """The whole weights, a plan or an ONNX file: path of the first part, digest and size of all parts joined."""
    weights_parts: Annotated[list[FileRef], Field(min_length=1)]
    """The files whose bytes, joined in order, are the weights (no file is over 95 MB)."""
    goldens: Annotated[list[GoldenRef], Field(min_length=1)]
    """Self-test, run before the first prediction."""


class FallbackRef(ManifestNode):
    """What runs the models that the compiled engine cannot run."""

    script: FileRef
    """Engine worker script with onnxruntime-web."""
    runtime: FileRef
    """WebAssembly of onnxruntime-web."""


class NetworksRef(ManifestNode):
    """The compiled engine, which executes plans: four builds of one source; the page loads what the browser can run."""

    plain: FileRef
    """Runs everywhere, and in Python."""
    plain_threads: FileRef
    """For isolated pages: several threads over one memory."""
    relaxed: FileRef
    """With relaxed SIMD."""
    relaxed_threads: FileRef
    """Both."""

    def list_builds(self) -> tuple[FileRef, ...]:
        """Return all four."""
        return (self.plain, self.plain_threads, self.relaxed, self.relaxed_threads)


class EngineRef(ManifestNode):
    """The files that run inside the vault, beside the model."""

    script: FileRef
    """Engine worker script for the compiled engine."""
    preprocess: FileRef
    """engine.wasm: preprocessing."""
    networks: NetworksRef
    """The compiled engine."""
    fallback: FallbackRef | None
    """In place of script and network for models with runtime onnxruntime-web; None if no model needs it."""

    def list_files(self, runtime: Runtime) -> tuple[FileRef, ...]:
        """Return the files that a model with `runtime` needs in most browsers: relaxed SIMD, and plain as its reserve.

        Raises ValueError when the site has no fallback.
        """
        if runtime == "compiled":
            return (self.script, self.preprocess, self.networks.relaxed, self.networks.plain)
        if self.fallback is None:
            raise ValueError("the site ships no onnxruntime-web")
        return (self.fallback.script, self.preprocess, self.fallback.runtime)


class SiteManifest(ManifestNode):
    """Baked into the workspace's shell script, so that the page's policy hash pins every byte below."""

    format_version: Literal[1]
    """Version of this contract."""
    build_id: str
    """First 16 digits of the digest over all assets and models."""
    generator: str
    """webipred and its version."""
    title: dict[str, str]
    """Language → title of the site."""
    operator: str
    """Who runs the site."""
    languages: list[str]
    """Languages, the first is the default."""
    engine: EngineRef
    """Engine files."""
    models: list[BundleManifest]
    """Published models in catalog order."""
    service_worker: Literal["sw.js"] | None = None
    """The service worker, which the workspace registers for the root of the site; None: the site has none."""
    idle_minutes: int = 15
    """After so many minutes without use, images and results are cleared."""
