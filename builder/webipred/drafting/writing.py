"""The draft as YAML: every field with a value that loads, and `# DECIDE` where only a human can know."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from webipred.drafting.conventions import find_convention
from webipred.drafting.facts import ModelFacts, OriginFacts, TrainingFacts

DEFAULT_SIDE: Final = 224
LARGEST_SIDE: Final = 4096
SHOWN: Final = 12
_SPDX: Final = {
    "mit": "MIT",
    "apache-2.0": "Apache-2.0",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
}
_PLAIN: Final = re.compile(r"[A-Za-z0-9.+-]+")


def write_draft(entry_id: str, origin: OriginFacts, model: ModelFacts, training: TrainingFacts, indent: int = 2) -> str:
    """Return the entry as an item of a YAML list, `indent` spaces in."""
    lines = [
        *_write_head(entry_id, origin, training),
        *_write_source(origin, model),
        *_write_input(model, training),
        *_write_classes(model, training),
        *_write_rest(origin),
    ]
    first, *rest = lines
    return "".join([f"{' ' * indent}{first}\n", *(f"{' ' * (indent + 2)}{line}\n" for line in rest)])


def make_id(title: str, taken: set[str]) -> str:
    """Return a slug of the title that no other entry has."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().casefold()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "model"
    number, wish = 1, slug
    while wish in taken:
        number += 1
        wish = f"{slug}-{number}"
    return wish


def _write_head(entry_id: str, origin: OriginFacts, training: TrainingFacts) -> Iterator[str]:
    yield f"- id: {entry_id}"
    yield "version: 1.0.0"
    yield "status: draft"
    yield "status_reason: written by `webipred-build add`; the lines marked DECIDE are open"
    yield f"name: {_quote(origin.title)}"
    if origin.description:
        yield f"# The origin says: {_comment(origin.description)}"
    yield "# DECIDE: one or two sentences of your own about what the model tells apart."
    yield f"summary: {_quote(origin.title)}"
    yield f"task: {'multi-label' if training.multi_label else 'classification'}"
    yield "# DECIDE: discipline, DICOM modality codes (DX, CR, CT, MR, US, SM, XC, …) and region of the body."
    yield "discipline: to be decided"
    yield "modality: [to be decided]"
    yield "body_part: to be decided"


def _write_source(origin: OriginFacts, model: ModelFacts) -> Iterator[str]:
    inner = ", ".join(
        f"{key}: {value if isinstance(value, int) else _quote(value)}" for key, value in origin.source.items()
    )
    yield f"source: {{{inner}}}"
    if origin.others:
        shown = ", ".join(origin.others[:12]) + (
            f" and {len(origin.others) - 12} more" if len(origin.others) > 12 else ""
        )
        yield f"# DECIDE: whether this is the right file; the origin also holds {_comment(shown)}"
    if model.format is None:
        yield "# DECIDE: the format; the bytes of the file are of no known form."
    yield f"format: {model.format or 'onnx'}"


def _write_input(model: ModelFacts, training: TrainingFacts) -> Iterator[str]:
    architecture = training.architecture or model.architecture
    convention = find_convention(architecture)
    side = convention.side if convention else DEFAULT_SIDE
    sides = [given if given and 8 <= given <= LARGEST_SIDE else side for given in (model.width, model.height)]
    if not (model.width and model.height):
        origin = f"AUCMEDI's default for {architecture}" if convention else "a guess"
        yield f"# DECIDE: the size of the input; the file leaves it open, {side} is {origin}."
    channels = "gray" if model.channels == 1 else "rgb"
    yield f"input: {{width: {sides[0]}, height: {sides[1]}, channels: {channels}}}"
    if convention:
        name = _comment(architecture or "")
        yield f"# AUCMEDI feeds {name} with standardize mode {convention.mode} after an OpenCV resize."
        yield "# DECIDE: whether the training code kept this default, and used subfunctions (padding, crop) before it."
    else:
        yield "# DECIDE: exactly what the training code did: library of the resize, cropping, scaling of the values."
    yield "preprocessing:"
    yield "  - {op: resize, method: bilinear, like: opencv}"
    mode = convention.mode if convention else "none"
    if channels == "gray" and mode in ("torch", "caffe"):
        yield f"  # {mode} needs three channels; DECIDE what this gray network was trained with."
        mode = "none"
    yield f"  - {{op: standardize, mode: {mode}}}"


def _write_classes(model: ModelFacts, training: TrainingFacts) -> Iterator[str]:
    if model.activation in ("softmax", "sigmoid"):
        yield f"# The network ends in {model.activation}."
        yield "output: {activation: none}"
    else:
        yield "# DECIDE: whether the network already gives probabilities (none), or logits (softmax, sigmoid)."
        yield "output: {activation: none}"
    names = list(dict.fromkeys(training.classes))
    units = 2 if model.units in (None, 1) else model.units
    if len(names) >= 2:
        yield f"# Order as in {_comment(training.classes_from)}."
        yield "# DECIDE: whether it is the order of the outputs; prove it with labelled samples before publishing."
        if model.units not in (None, 1, len(names)):
            yield f"# DECIDE: the network has {model.units} outputs, that file names {len(names)} classes."
    else:
        yield "# DECIDE: names of the classes in the order of the outputs; nothing at the origin names them."
        names = [f"class {number}" for number in range(min(units or 2, 1000))]
    yield "classes:"
    for name in names:
        threshold = ", threshold: 0.5, threshold_source: to be decided" if training.multi_label else ""
        yield f"  - {{id: {_quote(name[:64])}{threshold}}}"
    yield "# DECIDE: at least one labelled image per class: {file: …, class: …, license: …, sha256: …}"
    yield "samples: []"


def _write_rest(origin: OriginFacts) -> Iterator[str]:
    yield "# DECIDE: intended_use, out_of_scope, limitations: required to publish."
    yield "limitations: []"
    stated = origin.license or ""
    license_id = _SPDX.get(stated, stated.upper() if stated.startswith("cc") else stated)
    if not _PLAIN.fullmatch(license_id):
        yield "# DECIDE: the origin states no licence; ask its authors. Without one the policy refuses the weights."
        license_id = "unknown"
    else:
        yield f"# The origin states {_comment(stated)}."
        yield "# DECIDE: whether that covers the weights; find the licence of the data."
    yield f"license: {{weights: {license_id}, data: unknown}}"
    if origin.doi:
        names = "; ".join(author.name for author in origin.authors[:6]) or "Unknown"
        text = f"{names} ({origin.year or 'no year'}). {origin.title}. Zenodo."
        yield "# DECIDE: cite the paper behind it and the data set, too."
        yield "cite:"
        yield f"  - {{text: {_quote(text)}, doi: {_quote(origin.doi)}}}"
    else:
        yield "# DECIDE: what to cite."
        yield "cite: []"
    yield "authors:" if origin.authors else "authors: []"
    for author in origin.authors:
        orcid = f", orcid: {_quote(author.orcid)}" if author.orcid else ""
        yield f"  - {{name: {_quote(author.name)}{orcid}}}"


def _quote(text: str) -> str:
    """Return a YAML text in double quotes; JSON is a subset of YAML."""
    return json.dumps(text.strip()[:2000] or "unknown", ensure_ascii=False)


def _comment(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def count_decisions(draft: str) -> int:
    """Return how many places of a draft a human must look at."""
    return draft.count("DECIDE:")
