"""One catalog entry: a model, what it may be used for, and how to check it."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from webipred.catalog.node import LocalText, Node, Sha256, Slug, Text, describe_unsafe_path, raise_problems
from webipred.catalog.preprocessing import CropCenter, InputSpec, PadToSquare, Resize, Step
from webipred.catalog.source import Source

Probability = Annotated[float, Field(ge=0, le=1)]
Spdx = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+-]+$")]
Format = Literal[
    "tfjs-layers", "keras-h5", "keras-v3", "onnx", "saved-model", "tfjs-graph", "tflite", "torchscript", "torch-export"
]

# The other columns of the results that the page saves; a class of that name would make two columns of one name.
RESERVED_COLUMNS: Final = frozenset(
    {
        "image",
        "status",
        "error_code",
        "predicted",
        "decision",
        "threshold",
        "width",
        "height",
        "model_id",
        "model_version",
        "weights_sha256",
        "preprocessing_sha256",
        "runtime",
        "generator",
        "build_id",
    }
)


class ModelClass(Node):
    """One output of the network, in the network's order."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
    """Name of the output column, exactly as the training code named the class; not the name of another column."""
    label: LocalText | None = None
    """Name for people; the id when absent."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Operating point: the class is reported from this probability on. Required for multi-label."""
    threshold_source: Text | None = None
    """Where the operating point comes from."""

    @model_validator(mode="after")
    def check_threshold(self) -> "ModelClass":
        if self.threshold is not None and self.threshold_source is None:
            raise_problems([("threshold", "needs threshold_source; say where the operating point comes from")])
        return self


class Output(Node):
    """What must still be applied to the last layer to get probabilities."""

    activation: Literal["none", "softmax", "sigmoid"] = "none"
    """`none` if the network already ends in softmax or sigmoid."""
    name: Text | None = None
    """Which output, for a Keras network with several: the name of its layer."""


class Weights(Node):
    """How the weights are stored in the site."""

    storage: Literal["float32", "float16"] = "float32"
    """float16 halves the download; the report shows the measured change."""


class Sample(Node):
    """An image of known class: proves the class order and becomes a golden vector."""

    file: Text
    """Path relative to the catalog file."""
    class_id: str = Field(alias="class")
    """Id of the class that the image belongs to."""
    license: Text
    """Licence of the image: an SPDX identifier where there is one, else its terms in a few words."""
    sha256: Sha256
    """Digest of the file."""
    credit: Text | None = None
    """Whom to name when the image is shown."""

    @model_validator(mode="after")
    def check_file(self) -> "Sample":
        fault = describe_unsafe_path(self.file)
        raise_problems([("file", fault)] if fault else [])
        return self


class Evaluation(Node):
    """A measured performance, with the role of its data."""

    dataset: Text
    """Name of the data set."""
    role: Literal["training", "validation", "test", "external"]
    """`test`: held out from the same origin; `external`: from elsewhere."""
    n: Annotated[int, Field(ge=1)]
    """Number of images."""
    metrics: Annotated[dict[str, float], Field(min_length=1)]
    """Name → value, for instance auc, sensitivity, specificity."""
    intervals: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = {}
    """Name → [low, high], 95 % confidence interval."""
    source: Text
    """Where the figures come from."""

    @model_validator(mode="after")
    def check_intervals(self) -> "Evaluation":
        raise_problems(self._find_interval_problems())
        return self

    def _find_interval_problems(self) -> Iterator[tuple[str, str]]:
        for name, (low, high) in self.intervals.items():
            value = self.metrics.get(name)
            if value is None:
                yield f"intervals.{name}", f"there is no metric {name!r}; known are {', '.join(self.metrics)}"
            elif not low <= value <= high:
                yield f"intervals.{name}", f"[{low}, {high}] does not hold the metric's value {value}"


class License(Node):
    """Licences as SPDX identifiers; `unknown` where nothing is stated."""

    weights: Spdx
    """Licence of the weights; `unknown` until somebody has read it. The policy decides whether they may be built."""
    data: Spdx = "unknown"
    """Licence of the training data."""
    code: Spdx = "unknown"
    """Licence of the training code."""
    notice: Text | None = None
    """Path of a licence file to ship with the model, relative to the catalog file."""

    @model_validator(mode="after")
    def check_notice(self) -> "License":
        fault = describe_unsafe_path(self.notice) if self.notice else None
        raise_problems([("notice", fault)] if fault else [])
        return self


class Citation(Node):
    """A publication to cite."""

    text: Text
    """Authors, year, title, journal."""
    doi: Annotated[str, StringConstraints(pattern=r"^10\.\d{4,9}/\S+$")] | None = None
    """DOI without https://doi.org/."""


class Author(Node):
    """Who made the model."""

    name: Text
    """Family, Given; or a group."""
    orcid: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] | None = None
    """ORCID, four groups of four with hyphens; its last character is a check digit (ISO 7064 11-2)."""

    @model_validator(mode="after")
    def check_orcid(self) -> "Author":
        digits = (self.orcid or "").replace("-", "")
        total = 0
        for digit in digits[:-1]:
            total = (total + int(digit)) * 2
        if digits and "0123456789X"[(12 - total % 11) % 11] != digits[-1]:
            raise_problems([("orcid", f"{self.orcid!r} has a wrong check digit; copy it again from orcid.org")])
        return self


class CatalogEntry(Node):
    """One model of the catalog."""

    id: Slug
    """Short name in addresses and files: a–z, 0–9 and hyphens."""
    legacy_id: Annotated[int, Field(ge=0)] | None = None
    """Number in the catalog of the original WebIPred."""
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    """Version of the entry, MAJOR.MINOR.PATCH."""
    status: Literal["draft", "published", "withdrawn"] = "draft"
    """Only `published` entries are built; `draft` and `withdrawn` say why in `status_reason`."""
    status_reason: Text | None = None
    """Why an entry is a draft or withdrawn."""
    name: LocalText
    """Title of the model."""
    summary: LocalText
    """One or two sentences for the catalog page; Markdown subset (emphasis, links), never HTML."""
    task: Literal["classification", "multi-label"]
    """`classification`: one class per image (softmax); `multi-label`: every class for itself (sigmoid)."""
    discipline: Text
    """Medical discipline, for the filter."""
    modality: Annotated[list[Text], Field(min_length=1)]
    """DICOM modality codes (DX, CR, CT, MR, US, SM, XC, …) or words, for the filter."""
    body_part: Text
    """Region of the body."""
    source: Source
    """Where the weights come from."""
    format: Format
    """Format of the weights."""
    input: InputSpec
    """What the network takes."""
    preprocessing: list[Step] = []
    """Steps from decoded pixels to the network's input, in order."""
    output: Output = Output()
    """What must still be applied."""
    classes: Annotated[list[ModelClass], Field(min_length=2, max_length=1000)]
    """In the order of the network's outputs. A network with one sigmoid output and two classes gives [1 − p, p]."""
    weights: Weights = Weights()
    """Storage of the weights."""
    samples: list[Sample] = []
    """Labelled images, at least one per class to publish."""
    evaluation: list[Evaluation] = []
    """Measured performance."""
    intended_use: LocalText | None = None
    """What the model is for. Required to publish."""
    out_of_scope: LocalText | None = None
    """What it is not for. Required to publish."""
    limitations: list[LocalText] = []
    """Known limits, at least one to publish."""
    cautions: list[LocalText] = []
    """Doubts about this entry that a user must see."""
    license: License
    """Licences of weights, data and code."""
    cite: list[Citation] = []
    """What to cite."""
    authors: list[Author] = []
    """Who made the model."""

    @model_validator(mode="after")
    def check_rules(self) -> "CatalogEntry":
        raise_problems(
            [
                *self._find_class_problems(),
                *self._find_sample_problems(),
                *self._find_size_problems(),
                *self._find_status_problems(),
            ]
        )
        return self

    def _find_class_problems(self) -> Iterator[tuple[str, str]]:
        ids = [model_class.id.casefold() for model_class in self.classes]
        for index, model_class in enumerate(self.classes):
            if ids[index] in ids[:index]:
                yield f"classes[{index}].id", f"{model_class.id!r} stands twice; every class needs its own id"
            if ids[index] in RESERVED_COLUMNS:
                what = f"{model_class.id!r} is the name of another column of saved results; write for instance 'class "
                yield f"classes[{index}].id", f"{what}{model_class.id}'"
            if self.task == "multi-label" and model_class.threshold is None:
                yield f"classes[{index}]", "task multi-label needs a threshold and its threshold_source for every class"
        activation = self.output.activation
        if self.task == "multi-label" and activation == "softmax":
            yield "output.activation", "softmax makes the classes exclude each other; task multi-label needs sigmoid"
        if self.task == "classification" and activation == "sigmoid" and len(self.classes) > 2:
            what = "sigmoid lets several of more than two classes be true; write softmax, or task: multi-label"
            yield "output.activation", what

    def _find_sample_problems(self) -> Iterator[tuple[str, str]]:
        ids = [model_class.id for model_class in self.classes]
        files = [sample.file.casefold() for sample in self.samples]
        for index, sample in enumerate(self.samples):
            if sample.class_id not in ids:
                yield f"samples[{index}].class", f"{sample.class_id!r} is not one of {', '.join(ids)}"
            if files[index] in files[:index]:
                yield f"samples[{index}].file", f"{sample.file!r} stands twice; every sample counts once"

    def _find_size_problems(self) -> Iterator[tuple[str, str]]:
        sizing = [step for step in self.preprocessing if isinstance(step, Resize | CropCenter | PadToSquare)]
        if not sizing or isinstance(sizing[-1], PadToSquare):
            yield "preprocessing", "must end in a resize or crop_center that gives input.width × input.height"
            return
        width = sizing[-1].width or self.input.width
        height = sizing[-1].height or self.input.height
        if (width, height) != (self.input.width, self.input.height):
            yield "preprocessing", f"gives {width} × {height}, input asks for {self.input.width} × {self.input.height}"

    def _find_status_problems(self) -> Iterator[tuple[str, str]]:
        if self.status != "published":
            if self.status_reason is None:
                yield "status_reason", f"status {self.status} needs a status_reason; say why"
            return
        present = {
            "intended_use": self.intended_use,
            "out_of_scope": self.out_of_scope,
            "limitations": self.limitations,
        }
        for name, value in present.items():
            if not value:
                yield name, f"a published entry needs {name}; add it or set status: draft"
