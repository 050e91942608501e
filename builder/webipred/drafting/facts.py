"""Facts: all that could be found out about a model, before a human has decided anything."""

from dataclasses import dataclass

from webipred.catalog.entry import Author


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What the bytes of a model file say; None where they do not. `architecture` is a guess from names of layers."""

    format: str | None = None
    height: int | None = None
    width: int | None = None
    channels: int | None = None
    units: int | None = None
    activation: str | None = None
    architecture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """What files beside the model say: classes in the order of the outputs, and AUCMEDI's own description."""

    classes: tuple[str, ...] = ()
    classes_from: str = ""
    architecture: str | None = None
    multi_label: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFacts:
    """What the origin says: `source` is the entry's source as YAML keys, `others` the files that were not chosen."""

    title: str
    source: dict[str, str | int]
    file: str
    license: str | None = None
    authors: tuple[Author, ...] = ()
    year: str | None = None
    doi: str | None = None
    description: str = ""
    others: tuple[str, ...] = ()
