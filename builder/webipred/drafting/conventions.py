"""AUCMEDI's conventions (0.11): files beside a model, and size and standardisation per architecture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from webipred.drafting.facts import TrainingFacts
from webipred.sources.evidence import read_class_names

TRAINING_FILE: Final = "meta.training.json"
BEST_MODEL: Final = "model.best_loss.keras"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """What AUCMEDI feeds an architecture with by default: side of the square image and mode of `standardize`."""

    side: int
    mode: str


def _group(side: int, mode: str, names: str) -> dict[str, Convention]:
    return {name.casefold(): Convention(side=side, mode=mode) for name in names.split()}


CONVENTIONS: Final[Mapping[str, Convention]] = {
    **_group(224, "torch", "DenseNet121 DenseNet169 DenseNet201 ResNeXt50 ResNeXt101"),
    **_group(224, "caffe", "ResNet50 ResNet101 ResNet152 VGG16 VGG19 EfficientNetB0"),
    **_group(224, "tf", "ResNet50V2 ResNet101V2 ResNet152V2 MobileNet MobileNetV2 NASNetMobile ViT_B16 ViT_B32"),
    **_group(299, "tf", "InceptionV3 InceptionResNetV2 Xception"),
    **_group(331, "tf", "NASNetLarge"),
    **_group(384, "tf", "ViT_L16 ViT_L32"),
    **_group(224, "none", "ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge"),
    **_group(224, "z-score", "Vanilla"),
    **_group(240, "caffe", "EfficientNetB1"),
    **_group(260, "caffe", "EfficientNetB2"),
    **_group(300, "caffe", "EfficientNetB3"),
    **_group(380, "caffe", "EfficientNetB4"),
    **_group(456, "caffe", "EfficientNetB5"),
    **_group(528, "caffe", "EfficientNetB6"),
    **_group(600, "caffe", "EfficientNetB7"),
}


def find_convention(architecture: str | None) -> Convention | None:
    """Return what AUCMEDI does for an architecture as it writes it ("2D.DenseNet121"), or None."""
    return CONVENTIONS.get((architecture or "").removeprefix("2D.").casefold())


def read_training(name: str, document: object) -> TrainingFacts:
    """Return what `meta.training.json`, or a metrics file, says; a file of another form says nothing.

    Only these fields are taken: the file also holds paths of the training machine.
    """
    fields = document if isinstance(document, Mapping) else {}
    listed = fields.get("class_names")
    if isinstance(listed, list) and all(isinstance(item, str | int) for item in listed):
        architecture, multi = fields.get("architecture"), fields.get("multi_label")
        return TrainingFacts(
            classes=tuple(str(item) for item in listed),
            classes_from=name,
            architecture=architecture if isinstance(architecture, str) else None,
            multi_label=multi if isinstance(multi, bool) else None,
        )
    names = read_class_names(fields)
    return TrainingFacts(classes=tuple(names), classes_from=name if names else "")


def join_training(found: list[TrainingFacts]) -> TrainingFacts:
    """Return the facts of all files; AUCMEDI's own description goes before metrics."""
    ranked = sorted(found, key=lambda facts: (facts.classes_from != TRAINING_FILE, facts.classes_from))
    best = next((facts for facts in ranked if facts.classes), TrainingFacts())
    described = next((facts for facts in ranked if facts.architecture), best)
    return TrainingFacts(
        classes=best.classes,
        classes_from=best.classes_from,
        architecture=described.architecture,
        multi_label=described.multi_label,
    )
