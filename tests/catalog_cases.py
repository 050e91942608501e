"""A small valid catalog as text, and ways to spoil it."""

from pathlib import Path

import pytest

from webipred.catalog.loading import LoadedCatalog, load_catalog
from webipred.errors import FindingsError

CATALOG = """\
catalog_version: 1
site:
  title: Models
  operator: A clinic
policy:
  licenses: {allow: [CC-BY-4.0]}
  max_model_mb: 9
models:
  - id: pneumonia-cxr
    version: 1.0.0
    status: published
    name: {en: Pneumonia, de: Pneumonie}
    summary: Normal or pneumonia.
    task: classification
    discipline: Radiology
    modality: [DX]
    body_part: chest
    source: {type: zenodo, record: 7785993, file: "*.zip"}
    format: tfjs-layers
    input: {width: 224, height: 224}
    preprocessing:
      - {op: resize, method: bilinear, like: opencv}
      - {op: standardize, mode: torch}
    classes:
      - {id: NORMAL}
      - {id: PNEUMONIA, threshold: 0.5, threshold_source: argmax}
    intended_use: Research.
    out_of_scope: Diagnosis.
    limitations: [Children only.]
    license: {weights: CC-BY-4.0}
    cite: [{text: Somebody 2018}]
"""


def load_text(folder: Path, text: str = CATALOG) -> LoadedCatalog:
    path = folder / "model_catalog.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


def refusal(folder: Path, text: str) -> list[str]:
    """The sentences that a catalog is refused with."""
    with pytest.raises(FindingsError) as caught:
        load_text(folder, text)
    return [str(finding) for finding in caught.value.findings]


def changed(old: str, new: str) -> str:
    """The catalog with one text replaced; `old` must stand in it exactly once."""
    assert 1 == CATALOG.count(old)
    return CATALOG.replace(old, new)
