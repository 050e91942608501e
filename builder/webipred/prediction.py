"""Predicting with a bundle of a built site, in Python: the site's own preprocessing and engine, run by wasmtime.

A bundle that needs onnxruntime-web in the browser runs on native onnxruntime here.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

from webipred.catalog.preprocessing import InputSpec
from webipred.engine.preprocessor import Preprocessor
from webipred.errors import FindingsError, UsageError
from webipred.findings import Finding
from webipred.images.decode import decode_image
from webipred.site.manifest import BundleManifest
from webipred.site.reading import BuiltSite
from webipred.validate.decision import decide
from webipred.validate.reference import ReferenceNetwork, check_probabilities
from webipred.validate.runtime import CompiledNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer for one image: probabilities in class order and the reported classes, or why there is none."""

    image: str
    probabilities: tuple[float, ...] | None
    decision: tuple[str, ...]
    finding: Finding | None


class Predictor:
    """One model of a built site, loaded once."""

    def __init__(self, site: BuiltSite, model_id: str) -> None:
        """Load a model by id; raises UsageError if the site does not have it."""
        self.manifest = _find_bundle(site, model_id)
        self._program = base64.b64decode(self.manifest.preprocessing.program)
        self._input = InputSpec(**self.manifest.input.model_dump())
        self._preprocessor = Preprocessor(site.read_file(site.manifest.engine.preprocess))
        self._network = _load_network(site, self.manifest)

    def predict(self, path: Path) -> Prediction:
        """Predict one image file; a file that cannot be used gives a Prediction with its finding."""
        try:
            tensor = self._preprocessor.run(self._program, decode_image(_read_image(path), self._input))
            exclusive = self.manifest.task == "classification"
            values = self._network.run(tensor)
            probabilities = check_probabilities(values, exclusive=exclusive, where=self.manifest.id)
        except FindingsError as error:
            return Prediction(image=path.name, probabilities=None, decision=(), finding=error.findings[0])
        decision = decide(probabilities, self.manifest.classes, multi_label=self.manifest.task == "multi-label")
        return Prediction(image=path.name, probabilities=probabilities, decision=decision, finding=None)


def _load_network(site: BuiltSite, manifest: BundleManifest) -> CompiledNetwork | ReferenceNetwork:
    weights = site.read_weights(manifest)
    if manifest.runtime == "compiled":
        return CompiledNetwork(site.read_file(site.manifest.engine.networks.plain), weights)
    return ReferenceNetwork(weights)


def _read_image(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        finding = Finding(
            code="E-IMAGE-READ", where="image", what=f"cannot be read: {error.strerror}.", fix="Check the path."
        )
        raise FindingsError([finding]) from error


def _find_bundle(site: BuiltSite, model_id: str) -> BundleManifest:
    for bundle in site.manifest.models:
        if bundle.id == model_id:
            return bundle
    known = ", ".join(bundle.id for bundle in site.manifest.models) or "no models"
    raise UsageError(
        f"the site in {site.folder} has no model {model_id!r}; it has {known}. Build it first: webipred-build build"
    )
