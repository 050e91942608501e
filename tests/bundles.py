"""A small catalog with validated bundles, as the stages before the site hand it over."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from tiny_models import make_colour_model
from webipred.catalog.catalog import Catalog
from webipred.catalog.entry import CatalogEntry
from webipred.digests import hash_bytes
from webipred.engine.compiler.compilation import compile_network
from webipred.findings import Finding
from webipred.site.assembly import NETWORK_ASSETS
from webipred.site.outcomes import Unpublished
from webipred.validate.bundle import GoldenVector, ModelBundle, Runtime
from webipred.validate.report import Check, Report

STYLES = Path(__file__).parents[1] / "site_templates/styles"


def make_assets() -> dict[str, bytes]:
    """Return the built assets by name: the real style, and stand-ins for code that no test here runs."""
    tokens, rules = ((STYLES / name).read_text(encoding="utf-8") for name in ("tokens.css", "site.css"))
    code = {
        name: f"// {name}\n".encode() for name in ("engine.js", "engine-ort.js", "vault.js", "catalog.js", "privacy.js")
    }
    worker = b"serve(__WEBIPRED_WORKER_TABLE__);\n"
    shell = b"start(__WEBIPRED_SITE_MANIFEST__, __WEBIPRED_VAULT_HTML__);\n"
    bench = {"bench.js": b"measure(__WEBIPRED_BENCH__);\n", "bench-engine.js": b"// bench-engine.js\n"}
    binary = {name: b"\0asm" + name.encode() for name in ("engine.wasm", *NETWORK_ASSETS, "ort.wasm")}
    style = {
        "site.css": (tokens + rules.replace('@import "./tokens.css";', "")).encode(),
        "workspace.css": b"",
        "vault.css": b"",
    }
    components = json.dumps(
        {"vault.js": [{"name": "preact", "version": "1.2.3", "license": "MIT", "sha512": "0" * 128}]}
    )
    others = {"shell.js": shell, "sw.js": worker, "components.json": components.encode()}
    return code | binary | style | bench | others


def make_image(red: int, blue: int, size: int = 96) -> bytes:
    """Return a PNG with a bright disc of the given colour on a dark ground."""
    y, x = np.mgrid[0:size, 0:size] - size / 2
    disc = np.clip(1.15 - np.hypot(y, x) / (size * 0.45), 0, 1)[..., None]
    pixels = (disc * np.array([red, 90, blue])).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


RED, BLUE = make_image(230, 30), make_image(30, 230)

SMEAR = {
    "id": "red-or-blue",
    "version": "1.2.0",
    "status": "published",
    "name": {"en": "Malaria on thin blood smears", "de": "Malaria im dünnen Blutausstrich"},
    "summary": {
        "en": "One red blood cell per image: *parasitized* or not. "
        "From the [Malaria Screener](https://doi.org/10.1186/s12879-020-05453-1).",
        "de": "Ein rotes Blutkörperchen je Bild: *befallen* oder nicht. "
        "Aus dem [Malaria Screener](https://doi.org/10.1186/s12879-020-05453-1).",
    },
    "task": "classification",
    "discipline": "Pathology",
    "modality": ["SM"],
    "body_part": "blood",
    "source": {"type": "folder", "path": "demo_models/malaria/model.onnx"},
    "format": "onnx",
    "input": {"width": 8, "height": 8, "channels": "rgb"},
    "preprocessing": [
        {"op": "resize", "method": "bicubic", "like": "opencv"},
        {"op": "rescale", "divide_by": 255},
    ],
    "classes": [
        {
            "id": "parasitized",
            "label": {"en": "Parasitized", "de": "Befallen"},
            "threshold": 0.5,
            "threshold_source": "Default of the app that the model comes from",
        },
        {"id": "uninfected", "label": {"en": "Uninfected", "de": "Nicht befallen"}},
    ],
    "samples": [
        {
            "file": "samples/red.png",
            "class": "parasitized",
            "license": "CC0-1.0",
            "sha256": hash_bytes(RED),
            "credit": "Courtesy of the U.S. National Library of Medicine",
        },
        {"file": "samples/blue.png", "class": "uninfected", "license": "CC0-1.0", "sha256": hash_bytes(BLUE)},
    ],
    "evaluation": [
        {
            "dataset": "NLM cell images, 600 of 27,558",
            "role": "training",
            "n": 600,
            "metrics": {"accuracy": 0.963, "sensitivity": 0.973, "specificity": 0.953, "auc": 0.989},
            "intervals": {"accuracy": [0.945, 0.976], "auc": [0.981, 0.995]},
            "source": "Measured by this project with the app's own preprocessing",
        }
    ],
    "intended_use": {
        "en": "Research on counting parasitized cells in Giemsa-stained thin smears.",
        "de": "Forschung zum Zählen befallener Zellen in Giemsa-gefärbten dünnen Ausstrichen.",
    },
    "out_of_scope": {
        "en": "Diagnosis of malaria, whole fields of view, thick smears, other stains.",
        "de": "Diagnose von Malaria, ganze Gesichtsfelder, dicke Tropfen, andere Färbungen.",
    },
    "limitations": [
        {
            "en": "Trained on cells from 200 patients of one hospital.",
            "de": "Mit Zellen von 200 Patienten eines Krankenhauses trainiert.",
        },
        "The images must show a single, segmented cell.",
    ],
    "license": {"weights": "LicenseRef-NLM", "data": "CC0-1.0", "notice": "demo_models/malaria/LICENSE"},
    "cite": [
        {
            "text": "Yu H. et al. (2020) Malaria Screener. BMC Infectious Diseases 20:825.",
            "doi": "10.1186/s12879-020-05453-1",
        }
    ],
    "authors": [{"name": "Yu, Hang", "orcid": "0000-0002-1825-0097"}, {"name": "Jaeger, Stefan"}],
}

CHEST = SMEAR | {
    "id": "chest-findings",
    "version": "0.9.1",
    "name": {"en": "Findings on frontal chest X-rays", "de": "Befunde auf frontalen Thoraxaufnahmen"},
    "summary": "Two findings, each for itself, on frontal chest radiographs of adults.",
    "task": "multi-label",
    "discipline": "Radiology",
    "modality": ["DX", "CR"],
    "body_part": "chest",
    "source": {"type": "zenodo", "record": 7785993, "file": "*_model_converted.zip"},
    "format": "tfjs-layers",
    "preprocessing": [
        {"op": "pad_to_square", "mode": "constant"},
        {"op": "resize", "method": "bilinear", "like": "opencv"},
        {"op": "standardize", "mode": "torch"},
    ],
    "classes": [
        {"id": "effusion", "threshold": 0.31, "threshold_source": "Youden index on the validation data"},
        {"id": "consolidation", "threshold": 0.4, "threshold_source": "Youden index on the validation data"},
    ],
    "samples": [],
    "evaluation": [],
    "cautions": ["The order of the classes was *inferred* from labelled images; the publication does not state it."],
    "license": {"weights": "CC-BY-4.0"},
    "cite": [],
    "authors": [],
}

DRAFT = SMEAR | {
    "id": "skin-lesions",
    "version": "0.1.0",
    "status": "draft",
    "status_reason": "The class order contradicts the publication.",
    "name": {"en": "Skin lesions", "de": "Hautveränderungen"},
    "discipline": "Dermatology",
    "modality": ["XC"],
}

BROKEN = SMEAR | {"id": "retina", "name": {"en": "Diabetic retinopathy", "de": "Diabetische Retinopathie"}}


def make_catalog(**site: object) -> Catalog:
    """Return the catalog of all four entries; `site` replaces fields of its site."""
    description = {
        "title": {"en": "Image classifiers of the Institute", "de": "Bildklassifikatoren des Instituts"},
        "operator": "Institute of Medical Informatics, Example University Hospital",
        "contact": "models@example.org",
        "languages": ["en", "de"],
    }
    return Catalog.model_validate(
        {
            "catalog_version": 1,
            "site": description | site,
            "policy": {"licenses": {"allow": ["CC-BY-4.0", "LicenseRef-NLM"]}},
            "models": [SMEAR, CHEST, DRAFT, BROKEN],
        }
    )


def make_bundle(entry: CatalogEntry, findings: tuple[Finding, ...] = (), runtime: Runtime = "compiled") -> ModelBundle:
    """Return `entry` with the colour network, golden vectors and a passed report that holds `findings`."""
    model = make_colour_model()
    goldens = [
        GoldenVector(
            name=f"sample-{position + 1}",
            image=image,
            image_sha256=hash_bytes(image),
            class_id=entry.classes[position].id,
            tensor_sha256="0" * 64,
            probabilities=(0.98, 0.02) if position == 0 else (0.03, 0.97),
            tolerance=1e-5,
        )
        for position, image in enumerate((RED, BLUE))
    ]
    return ModelBundle(
        entry=entry,
        model=model,
        program=b"program of " + entry.id.encode(),
        preprocessing_sha256=hash_bytes(entry.id.encode()),
        goldens=tuple(goldens),
        runtime=runtime,
        weights=compile_network(model.data).data if runtime == "compiled" else model.data,
        report=Report(entry_id=entry.id, version=entry.version, checks=_list_checks(entry, findings)),
        licence_text="Keep this notice.\n" if entry.license.notice else None,
        source_file="model.onnx",
        source_sha256="a" * 64,
        source_origin="folder",
    )


def _list_checks(entry: CatalogEntry, findings: tuple[Finding, ...]) -> tuple[Check, ...]:
    order = (
        Check(name="class-order", outcome="passed", detail="2 of 2 samples as labelled")
        if entry.samples
        else Check(name="class-order", outcome="skipped", detail="no samples")
    )
    return (
        Check(name="graph", outcome="passed", detail="well formed, 3 nodes of 3 operators"),
        Check(name="interface", outcome="passed", detail="8 × 8 × 3 → 2"),
        Check(name="licence", outcome="passed", detail="allowed by the policy", findings=findings),
        order,
    )


CAUTION = Finding(
    code="W-SAMPLES-FEW", where="chest-findings.samples", what="no class has a sample.", fix="Add labelled images."
)
FAILURE = Finding(
    code="E-CLASS-ORDER",
    where="retina.samples",
    what="<b>2 of 2</b> samples come out as another class.",
    fix="Check the order of `classes`.",
)


def make_bundles(catalog: Catalog) -> list[ModelBundle]:
    """Return the bundles of the first two entries; the second has a warning and needs the fallback."""
    return [make_bundle(catalog.models[0]), make_bundle(catalog.models[1], (CAUTION,), "onnxruntime-web")]


def make_unpublished(catalog: Catalog) -> list[Unpublished]:
    """Return the draft, and the entry that failed its validation."""
    draft, broken = catalog.models[2], catalog.models[3]
    note = Finding(code="N-ENTRY-DRAFT", where=draft.id, what=f"draft: {draft.status_reason}")
    check = Check(name="class-order", outcome="failed", detail="0 of 2 samples as labelled", findings=(FAILURE,))
    report = Report(entry_id=broken.id, version=broken.version, checks=(check,))
    return [
        Unpublished(entry=draft, findings=(note,), report=None),
        Unpublished(entry=broken, findings=(FAILURE,), report=report),
    ]
