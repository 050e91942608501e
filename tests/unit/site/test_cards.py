from pathlib import Path

import bundles
from webipred.site.bundles import publish_bundle
from webipred.site.cards import Facet, ModelCard, fold_text, list_facets, make_card
from webipred.site.manifest import EngineRef, FallbackRef, NetworksRef
from webipred.site.table import describe_file

ENGINE = EngineRef(
    script=describe_file("assets/engine.js", b"1"),
    preprocess=describe_file("assets/engine.wasm", b"12"),
    networks=NetworksRef(
        plain=describe_file("assets/net.wasm", b"123"),
        plain_threads=describe_file("assets/net-threads.wasm", b"123"),
        relaxed=describe_file("assets/net-relaxed.wasm", b"1"),
        relaxed_threads=describe_file("assets/net-relaxed-threads.wasm", b"123"),
    ),
    fallback=FallbackRef(
        script=describe_file("assets/ort.js", b"12345678"), runtime=describe_file("assets/ort.wasm", b"1" * 16)
    ),
)


def make_cards(language: str = "en") -> list[ModelCard]:
    made = bundles.make_bundles(bundles.make_catalog())
    return [make_card(bundle, publish_bundle(bundle, ["en", "de"]), ENGINE, language) for bundle in made]


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


def test_a_card_counts_the_engine_files_that_its_own_model_needs() -> None:
    assert [1 + 2 + 4, 8 + 2 + 16] == [card.engine_bytes for card in make_cards()]
