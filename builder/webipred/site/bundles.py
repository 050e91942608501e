"""ModelBundle → the files that the workspace loads, and the manifest that names them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webipred.catalog.entry import CatalogEntry, ModelClass
from webipred.catalog.node import LocalText, translate
from webipred.digests import hash_bytes
from webipred.engine.program import describe_steps
from webipred.site.manifest import (
    FORMAT_VERSION,
    BundleManifest,
    ClassRef,
    FileRef,
    GoldenRef,
    InputRef,
    OutputDigestsRef,
    PreprocessingRef,
)
from webipred.site.markdown import strip_markdown
from webipred.site.table import describe_file, place_asset, split_bytes
from webipred.validate.bundle import GoldenVector, ModelBundle, Runtime

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "png"),
    (b"\xff\xd8\xff", 0, "jpg"),
    (b"GIF8", 0, "gif"),
    (b"WEBP", 8, "webp"),
    (b"BM", 0, "bmp"),
)

WEIGHTS_EXTENSIONS: Final[dict[Runtime, str]] = {"compiled": "plan", "onnxruntime-web": "onnx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFiles:
    """A model as it stands in the site: manifest, and the content-addressed files (path, bytes) that it names."""

    manifest: BundleManifest
    files: tuple[tuple[str, bytes], ...]


def publish_bundle(bundle: ModelBundle, languages: Sequence[str]) -> BundleFiles:
    """Return manifest and files of `bundle`, with every text in every one of `languages`."""
    parts = [place_asset(part, WEIGHTS_EXTENSIONS[bundle.runtime]) for part in split_bytes(bundle.weights)]
    images = [place_asset(golden.image, sniff_extension(golden.image)) for golden in bundle.goldens]
    part_refs = [describe_file(path, data) for path, data in parts]
    goldens = [
        _refer_golden(golden, describe_file(path, data))
        for golden, (path, data) in zip(bundle.goldens, images, strict=True)
    ]
    return BundleFiles(manifest=_describe(bundle, languages, part_refs, goldens), files=(*parts, *images))


def sniff_extension(image: bytes) -> str:
    """Return the file ending for the format that the bytes show, `bin` for an unknown one."""
    for signature, offset, extension in _SIGNATURES:
        if image[offset : offset + len(signature)] == signature:
            return extension
    return "bin"


def _describe(
    bundle: ModelBundle, languages: Sequence[str], parts: list[FileRef], goldens: list[GoldenRef]
) -> BundleManifest:
    entry = bundle.entry
    return BundleManifest(
        format_version=FORMAT_VERSION,
        id=entry.id,
        version=entry.version,
        name=_localise(entry.name, languages),
        summary=_localise(entry.summary, languages),
        intended_use=_localise(entry.intended_use or "", languages),
        cautions=[_localise(caution, languages) for caution in entry.cautions],
        task=entry.task,
        discipline=entry.discipline,
        modality=list(entry.modality),
        input=InputRef.model_validate(entry.input.model_dump()),
        preprocessing=_refer_preprocessing(bundle, entry),
        classes=[_refer_class(model_class, languages) for model_class in entry.classes],
        runtime=bundle.runtime,
        weights=FileRef(path=parts[0].path, sha256=hash_bytes(bundle.weights), size_bytes=len(bundle.weights)),
        weights_parts=parts,
        goldens=goldens,
    )


def _refer_preprocessing(bundle: ModelBundle, entry: CatalogEntry) -> PreprocessingRef:
    return PreprocessingRef(
        program=base64.b64encode(bundle.program).decode("ascii"),
        sha256=bundle.preprocessing_sha256,
        steps=list(describe_steps(entry.preprocessing, entry.input)),
    )


def _refer_class(model_class: ModelClass, languages: Sequence[str]) -> ClassRef:
    label = model_class.label or model_class.id
    return ClassRef(
        id=model_class.id,
        label={language: translate(label, language) for language in languages},
        threshold=model_class.threshold,
    )


def _refer_golden(golden: GoldenVector, image: FileRef) -> GoldenRef:
    return GoldenRef(
        image=image,
        class_id=golden.class_id,
        tensor_sha256=golden.tensor_sha256,
        probabilities=list(golden.probabilities),
        tolerance=golden.tolerance,
        outputs=_refer_outputs(golden),
    )


def _refer_outputs(golden: GoldenVector) -> OutputDigestsRef | None:
    digests = golden.outputs
    return None if digests is None else OutputDigestsRef(plain=digests.plain, fused=digests.fused)


def _localise(text: LocalText, languages: Sequence[str]) -> dict[str, str]:
    return {language: strip_markdown(translate(text, language)) for language in languages}
