"""What each page tells, in both languages."""

import re

import pytest

import bundles
from webipred.site.assembly import Site, assemble_site


@pytest.fixture(scope="module")
def site() -> Site:
    catalog = bundles.make_catalog()
    assets = bundles.make_assets()
    return assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), assets.__getitem__)


def read(site: Site, path: str) -> str:
    text = re.sub(r"<style>.*?</style>", "", site.table.read(path).decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


PAGES = ["index.html", "models/red-or-blue/index.html", "models/red-or-blue/report.html", "build/index.html",
         "privacy/index.html", "licenses/index.html", "bench/index.html", "404.html"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_notice_the_operator_and_the_build(site: Site, path: str) -> None:
    text = read(site, path)
    assert "Research use only. Not a medical device" in text
    assert "Operated by Institute of Medical Informatics, Example University Hospital" in text
    assert f"build {site.build_id}" in text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_one_heading_a_title_a_language_and_an_icon(site: Site, path: str) -> None:
    page = site.table.read(path).decode()
    assert 1 == page.count("<h1")
    assert "· Image classifiers of the Institute</title>" in page
    assert '<html lang="en" translate="no">' in page
    assert '<link rel="icon" href="' in page


@pytest.mark.parametrize("path", PAGES)
def test_element_ids_are_unique(site: Site, path: str) -> None:
    ids = re.findall(r' id="([^"]*)"', site.table.read(path).decode())
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "fact",
    [
        "Malaria on thin blood smears", "One red blood cell per image: parasitized or not", "Pathology",
        "Slide microscopy (SM)", "blood", "One class per image",
        "0.3 kB + 0.0 kB for the engine", "Checked: 4 of 4 passed",
        "Checked: 3 of 4 passed, warnings: 1", "Cautions: 1", "Not available: 2",
        "Draft Skin lesions The class order contradicts the publication.",
        "Failed Diabetic retinopathy Did not pass the checks when this site was built.",
    ],
)  # fmt: skip
def test_the_catalog_page_tells(site: Site, fact: str) -> None:
    assert fact in read(site, "index.html")


def test_the_catalog_page_leads_to_card_and_workspace(site: Site) -> None:
    page = site.table.read("index.html").decode()
    assert 'href="predict/#red-or-blue"' in page
    assert 'href="models/red-or-blue/"' in page
    assert 'href="../predict/#red-or-blue"' in site.table.read("de/index.html").decode()


@pytest.mark.parametrize(
    "fact",
    [
        "Research on counting parasitized cells", "Diagnosis of malaria, whole fields of view",
        "Trained on cells from 200 patients", "Parasitized parasitized 0.500 Default of the app",
        "Resize to 8 × 8 pixels (width × height), bicubic, computed as in OpenCV.", "Divide every value by 255.",
        "Training data The model has learned from these images; the figures are too favourable.", "Images: 600.",
        "Accuracy 0.963 0.945 to 0.976", "Sensitivity 0.973 not stated", "Shipped with the catalog:",
        "model.onnx (ONNX)", "a" * 64, "Converted by onnx 1", "MatMul × 1, ReduceMean × 1, Softmax × 1",
        "parameters: 6", "LicenseRef-NLM · Licence text", "Training code not stated", "Yu H. et al. (2020)",
        "doi:10.1186/s12879-020-05453-1", "ORCID 0000-0002-1825-0097", "Jaeger, Stefan",
        "Courtesy of the U.S. National Library of Medicine",
    ],
)  # fmt: skip
def test_the_model_card_tells(site: Site, fact: str) -> None:
    assert fact in read(site, "models/red-or-blue/index.html")


def test_a_card_without_evaluation_and_with_cautions_says_so(site: Site) -> None:
    text = read(site, "models/chest-findings/index.html")
    assert "No measured performance is stated for this model." in text
    assert "Cautions The order of the classes was inferred" in text
    assert "Zenodo record 7785993, doi:10.5281/zenodo.7785993" in text


def test_the_german_card_is_german(site: Site) -> None:
    text = read(site, "de/models/red-or-blue/index.html")
    assert "Größe auf 8 × 8 Pixel ändern (Breite × Höhe), bikubisch, gerechnet wie OpenCV." in text
    assert "Korrektklassifikationsrate 0,963 0,945 bis 0,976" in text
    assert "Befallen parasitized 0,500" in text


def test_the_report_names_checks_findings_and_golden_vectors(site: Site) -> None:
    text = read(site, "models/chest-findings/report.html")
    assert "class-order Skipped no samples" in text
    assert "Warning W-SAMPLES-FEW · chest-findings.samples no class has a sample. Add labelled images." in text
    assert "sample-1 effusion 0.98000 0.02000 0.00001" in text


def test_the_build_page_names_every_entry_and_why_it_is_missing(site: Site) -> None:
    text = read(site, "build/index.html")
    assert "skin-lesions 0.1.0 Draft The class order contradicts the publication." in text
    assert "Error E-CLASS-ORDER · retina.samples" in text


def test_the_privacy_page_names_limits_and_checks(site: Site) -> None:
    text = read(site, "privacy/index.html")
    assert "What no web page can ensure Browser extensions" in text
    assert "sha256sum --check SHA256SUMS" in text


def test_only_catalog_measuring_and_privacy_have_a_script(site: Site) -> None:
    scripted = [path for path, data in site.table if path.endswith(".html") and b"<script" in data]
    expected = {
        *("index.html", "bench/index.html", "privacy/index.html"),
        *("de/index.html", "de/bench/index.html", "de/privacy/index.html"),
    }
    assert expected == {path for path in scripted if not path.startswith("predict/")}


def test_displayed_links_have_no_opener_and_no_referrer(site: Site) -> None:
    pages = [data.decode() for path, data in site.table if path.endswith(".html") and not path.startswith("predict/")]
    links = [tag for page in pages for tag in re.findall(r'<a [^>]*href="https:[^>]*>', page)]
    assert links
    assert [] == [tag for tag in links if 'rel="noopener noreferrer"' not in tag]
