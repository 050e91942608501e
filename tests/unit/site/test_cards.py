from pathlib import Path

import bundles
from webipred.site.bundles import publish_bundle
from webipred.site.cards import Facet, ModelCard, fold_text, list_facets, make_card


def make_cards(language: str = "en") -> list[ModelCard]:
    made = bundles.make_bundles(bundles.make_catalog())
    return [make_card(bundle, publish_bundle(bundle, ["en", "de"]), language) for bundle in made]


def test_search_text_is_folded() -> None:
    assert "lasion ubersicht" == fold_text("Läsion\n ÜBERSICHT")


def test_search_covers_name_modality_and_classes_in_the_language() -> None:
    text = make_cards("de")[0].search_text
    assert all(word in text for word in ("blutausstrich", "objekttragermikroskopie", "nicht befallen", "uninfected"))


def test_facets_hold_each_value_once() -> None:
    expected = [
        Facet(name="discipline", options=("Pathology", "Radiology")),
        Facet(name="modality", options=("CR", "DX", "SM")),
        Facet(name="task", options=("classification", "multi-label")),
    ]
    assert expected == list_facets(make_cards())


def test_samples_are_shown_with_credit_and_licence() -> None:
    first, second = make_cards()[0].examples
    assert ("Courtesy of the U.S. National Library of Medicine", "CC0-1.0") == (first.credit, first.license)
    assert (None, "CC0-1.0") == (second.credit, second.license)
    assert first.path.endswith(".png")


def test_the_script_folds_searches_in_the_same_way() -> None:
    script = Path(__file__).parents[3] / "site_templates/app/catalog/catalog.ts"
    assert r'text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()' in script.read_text(encoding="utf-8")
