"""ModelCard: one published model as the pages show it."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.node import LocalText, translate
from webipred.site.bundles import BundleFiles
from webipred.site.manifest import EngineRef
from webipred.site.markdown import strip_markdown
from webipred.site.outcomes import EntryOutcome, describe_bundle
from webipred.site.texts import load_texts
from webipred.validate.bundle import ModelBundle

_SHOWN_IMAGES = (".png", ".jpg", ".gif", ".webp", ".bmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A public image of known class, with whom to name."""

    path: str
    label: LocalText
    credit: str | None
    license: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model in one language: its bundle, its outcome, and what is derived from them."""

    bundle: ModelBundle
    outcome: EntryOutcome
    size_bytes: int
    engine_bytes: int
    weights_sha256: str
    search_text: str
    examples: tuple[Example, ...]

    @property
    def entry(self) -> CatalogEntry:
        return self.bundle.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One choice of the filter: its name and the values that occur, sorted."""

    name: str
    options: tuple[str, ...]


def make_card(bundle: ModelBundle, files: BundleFiles, engine: EngineRef, language: str) -> ModelCard:
    """Return the card of `bundle`, whose files stand in the site as `files` and `engine` say, in `language`."""
    return ModelCard(
        bundle=bundle,
        outcome=describe_bundle(bundle),
        size_bytes=files.manifest.weights.size_bytes,
        engine_bytes=sum(file.size_bytes for file in engine.list_files(files.manifest.runtime)),
        weights_sha256=files.manifest.weights.sha256,
        search_text=fold_text(" ".join(_collect_words(bundle.entry, language))),
        examples=tuple(_find_examples(bundle, files)),
    )


def list_facets(cards: Sequence[ModelCard]) -> list[Facet]:
    """Return the values of discipline, modality and task among `cards`."""
    return [
        Facet(name="discipline", options=_distinct(card.entry.discipline for card in cards)),
        Facet(name="modality", options=_distinct(code for card in cards for code in card.entry.modality)),
        Facet(name="task", options=_distinct(card.entry.task for card in cards)),
    ]


def fold_text(text: str) -> str:
    """Return `text` in lower case without accents, spaces joined; the catalog page's script folds searches alike."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in decomposed if not unicodedata.category(character).startswith("M"))
    return " ".join(bare.lower().split())


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values), key=lambda value: (fold_text(value), value)))


def _collect_words(entry: CatalogEntry, language: str) -> list[str]:
    texts = load_texts(language)
    modalities = [texts.say(f"modality_{code}") for code in entry.modality if texts.knows(f"modality_{code}")]
    return [
        translate(entry.name, language),
        strip_markdown(translate(entry.summary, language)),
        entry.id,
        entry.discipline,
        entry.body_part,
        *entry.modality,
        *modalities,
        *(translate(item.label or item.id, language) for item in entry.classes),
        *(item.id for item in entry.classes),
    ]


def _find_examples(bundle: ModelBundle, files: BundleFiles) -> Iterable[Example]:
    labels = {item.id: item.label or item.id for item in bundle.entry.classes}
    samples = {sample.sha256: sample for sample in bundle.entry.samples}
    for golden in files.manifest.goldens:
        if golden.class_id is not None and golden.image.path.endswith(_SHOWN_IMAGES):
            sample = samples.get(golden.image.sha256)
            yield Example(
                path=golden.image.path,
                label=labels[golden.class_id],
                credit=sample.credit if sample else None,
                license=sample.license if sample else None,
            )
