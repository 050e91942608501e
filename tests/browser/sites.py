"""Small workspaces: real assets, real preprocessing, tiny networks whose answers can be told by looking."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tiny_models import make_colour_network
from webipred.assets import read_asset
from webipred.catalog.entry import CatalogEntry
from webipred.convert.model import OnnxModel
from webipred.digests import hash_bytes
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.engine.preprocessor import Preprocessor
from webipred.engine.program import compile_program
from webipred.site.assembly import NETWORK_ASSETS
from webipred.site.bundles import BundleFiles, publish_bundle
from webipred.site.icon import ICON_SVG
from webipred.site.manifest import BundleManifest, EngineRef, FallbackRef, NetworksRef, SiteManifest
from webipred.site.table import describe_file, place_asset
from webipred.site.workspace import render_workspace
from webipred.validate.bundle import GoldenVector, ModelBundle, OutputDigests, Runtime
from webipred.validate.reference import ReferenceNetwork
from webipred.validate.report import Report
from webipred.validate.runtime import CompiledNetwork

LANGUAGES = ("en", "de")

COLOUR_ENTRY: dict[str, object] = {
    "id": "red-or-blue",
    "version": "1.2.0",
    "status": "draft",
    "status_reason": "exists in tests only",
    "name": {"en": "Red or blue", "de": "Rot oder Blau"},
    "summary": {"en": "Tells red images from blue ones.", "de": "Unterscheidet rote von blauen Bildern."},
    "task": "classification",
    "discipline": "Pathology",
    "modality": ["SM"],
    "body_part": "blood",
    "source": {"type": "folder", "path": "model.onnx"},
    "format": "onnx",
    "input": {"width": 8, "height": 8, "channels": "rgb"},
    "preprocessing": [{"op": "resize", "method": "bilinear", "like": "opencv"}, {"op": "rescale", "divide_by": 255}],
    "classes": [
        {"id": "red", "label": {"en": "Red", "de": "Rot"}, "threshold": 0.5, "threshold_source": "test"},
        {"id": "blue", "label": {"en": "Blue", "de": "Blau"}},
    ],
    "intended_use": {"en": "Tests of this software.", "de": "Tests dieser Software."},
    "cautions": [{"en": "Knows no other colour.", "de": "Kennt keine andere Farbe."}],
    "license": {"weights": "CC0-1.0"},
}


def encode(pixels: NDArray[np.uint8], form: str = "png", **options: object) -> bytes:
    """Return an image file of RGB or gray pixels."""
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


def make_image(red: int, blue: int, size: int = 48, seed: int = 0) -> bytes:
    """Return a PNG with the given mean colour and a little noise, so that no two are alike."""
    noise = np.random.default_rng(seed).integers(-20, 20, (size, size, 3))
    return encode((np.array([red, 60, blue]) + noise).clip(0, 255).astype(np.uint8))


RED, BLUE = make_image(230, 30), make_image(30, 230)


def make_bundle(changes: dict[str, object] | None = None, network: bytes | None = None) -> ModelBundle:
    """Return the colour model with golden vectors of the red and the blue image; `changes` replace entry fields."""
    entry = CatalogEntry.model_validate({**COLOUR_ENTRY, **(changes or {})})
    data = network or make_colour_network()
    program = compile_program(entry.preprocessing, entry.input)
    runtime, weights = _compile(data)
    plan = weights if runtime == "compiled" else None
    return ModelBundle(
        entry=entry,
        model=_describe_network(entry, data),
        program=program,
        preprocessing_sha256=hash_bytes(program),
        goldens=tuple(_make_golden(program, data, image, plan) for image in (RED, BLUE)),
        runtime=runtime,
        weights=weights,
        report=Report(entry_id=entry.id, version=entry.version, checks=()),
        licence_text=None,
        source_file="model.onnx",
        source_sha256="a" * 64,
        source_origin="folder",
    )


def _compile(network: bytes) -> tuple[Runtime, bytes]:
    """Return the runtime that the builder would choose, and what it loads."""
    try:
        return "compiled", compile_network(network).data
    except UnsupportedOperator:
        return "onnxruntime-web", network


def _describe_network(entry: CatalogEntry, data: bytes) -> OnnxModel:
    return OnnxModel(
        entry_id=entry.id,
        data=data,
        sha256=hash_bytes(data),
        height=entry.input.height,
        width=entry.input.width,
        channels=3,
        classes=len(entry.classes),
        operators={},
        parameters=0,
        converter="onnx",
    )


def _make_golden(program: bytes, network: bytes, image: bytes, plan: bytes | None) -> GoldenVector:
    pixels = np.asarray(Image.open(BytesIO(image)).convert("RGB"))
    tensor = Preprocessor(read_asset("engine.wasm")).run(program, pixels)
    return GoldenVector(
        name="golden",
        image=image,
        image_sha256=hash_bytes(image),
        class_id=None,
        tensor_sha256=hash_bytes(tensor.astype("<f4").tobytes()),
        probabilities=ReferenceNetwork(network).run(tensor),
        tolerance=1e-5,
        outputs=None if plan is None else _digest_outputs(plan, tensor),
    )


def _digest_outputs(plan: bytes, tensor: NDArray[np.float32]) -> OutputDigests:
    plain = CompiledNetwork(read_asset("net.wasm"), plan).compute(tensor)
    fused = CompiledNetwork(read_asset("net-relaxed.wasm"), plan, fused=True).compute(tensor)
    return OutputDigests(plain=hash_bytes(plain.tobytes()), fused=hash_bytes(fused.tobytes()))


def make_site(bundles: Sequence[ModelBundle], engine_script: bytes | None = None) -> dict[str, bytes]:
    """Return the files of a site with the workspace only."""
    return compose_site([publish_bundle(bundle, LANGUAGES) for bundle in bundles], engine_script)


def compose_site(
    published: Sequence[BundleFiles],
    engine_script: bytes | None = None,
    manifests: Sequence[BundleManifest] | None = None,
    networks: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Return the files of a site; `manifests` replace those of `published`, `networks` engines, for sites that lie."""
    replaced = networks or {}
    engine = [
        place_asset(engine_script or read_asset("engine.js"), "js"),
        *(
            place_asset(data, "wasm")
            for data in (
                read_asset("engine.wasm"),
                *(replaced.get(name) or read_asset(name) for name in NETWORK_ASSETS),
            )
        ),
    ]
    script, preprocess, plain, plain_threads, relaxed, relaxed_threads = (
        describe_file(path, data) for path, data in engine
    )
    others: list[tuple[str, bytes]] = []
    if any(item.manifest.runtime == "onnxruntime-web" for item in published):
        others = [place_asset(read_asset("engine-ort.js"), "js"), place_asset(read_asset("ort.wasm"), "wasm")]
    fallback = [describe_file(path, data) for path, data in others]
    manifest = SiteManifest(
        format_version=1,
        build_id="0123456789abcdef",
        generator="webipred test",
        title={"en": "Image classifiers", "de": "Bildklassifikatoren"},
        operator="Test",
        languages=list(LANGUAGES),
        engine=EngineRef(
            script=script,
            preprocess=preprocess,
            networks=NetworksRef(
                plain=plain, plain_threads=plain_threads, relaxed=relaxed, relaxed_threads=relaxed_threads
            ),
            fallback=FallbackRef(script=fallback[0], runtime=fallback[1]) if fallback else None,
        ),
        models=list(manifests or [item.manifest for item in published]),
    )
    files = [file for item in published for file in item.files]
    icon = place_asset(ICON_SVG, "svg")
    listing = ("manifest.json", manifest.model_dump_json().encode())
    return dict([*engine, *others, *files, icon, listing, ("predict/index.html", render_workspace(manifest))])
