import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

import bundles
from tiny_models import make_colour_model
from webipred.digests import hash_bytes
from webipred.engine.compiler.compilation import compile_network
from webipred.errors import FindingsError
from webipred.site import assembly as assembly_module
from webipred.site import pages as pages_module
from webipred.site import table as table_module
from webipred.site.assembly import NETWORK_ASSETS, Site, assemble_site
from webipred.site.manifest import BundleManifest, EngineRef, FileRef

TESTS = Path(bundles.__file__).parent


def build(**site: object) -> Site:
    catalog = bundles.make_catalog(**site)
    assets = bundles.make_assets()
    return assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), assets.__getitem__)


@pytest.fixture(scope="module")
def site() -> Site:
    return build()


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def find_links(page: bytes) -> list[str]:
    parser = Links()
    parser.feed(page.decode())
    return parser.addresses


def test_every_language_has_every_page(site: Site) -> None:
    english = {path for path in site.table.paths if path.endswith(".html") and not path.startswith(("de/", "predict/"))}
    german = {path.removeprefix("de/") for path in site.table.paths if path.startswith("de/")}
    assert english - {"404.html"} == german


def test_the_first_language_is_at_the_root() -> None:
    german_first = build(languages=["de", "en"])
    assert b'<html lang="de"' in german_first.table.read("index.html")
    assert b'<html lang="en"' in german_first.table.read("en/index.html")


def test_every_link_leads_to_a_file_of_the_site(site: Site) -> None:
    paths = set(site.table.paths)
    broken = []
    for path, data in site.table:
        if path.endswith(".html") and not path.startswith("predict/"):
            for address in find_links(data):
                target = normpath(join(dirname(path), address.partition("#")[0] or path.rpartition("/")[2]))
                wanted = join(target, "index.html") if address.partition("#")[0].endswith("/") else target
                displayed = address.startswith(("https://doi.org/", "https://orcid.org/", "data:image/"))
                if not displayed and normpath(wanted) not in paths:
                    broken.append((path, address))
    assert [] == broken


def test_the_missing_page_links_to_nothing_since_it_may_stand_anywhere(site: Site) -> None:
    assert ["#main"] == [link for link in find_links(site.table.read("404.html")) if not link.startswith("data:")]


def test_models_stand_in_catalog_order_with_every_language(site: Site) -> None:
    assert ["red-or-blue", "chest-findings"] == [model.id for model in site.manifest.models]
    names = {"en": "Malaria on thin blood smears", "de": "Malaria im dünnen Blutausstrich"}
    assert names == site.manifest.models[0].name


def list_networks(engine: EngineRef) -> list[FileRef]:
    networks = engine.networks
    return [networks.plain, networks.plain_threads, networks.relaxed, networks.relaxed_threads]


def test_every_named_file_has_the_named_bytes(site: Site) -> None:
    engine = site.manifest.engine
    assert engine.fallback is not None
    named = [engine.script, engine.preprocess, *list_networks(engine), engine.fallback.script, engine.fallback.runtime]
    for model in site.manifest.models:
        named += [*model.weights_parts, *(golden.image for golden in model.goldens)]
    described = {file.path: file for file in site.table.list_files()}
    assert named == [described[file.path] for file in named]


def test_a_site_whose_models_all_compile_ships_no_onnxruntime() -> None:
    catalog = bundles.make_catalog()
    assets = bundles.make_assets()
    site = assemble_site(catalog, [bundles.make_bundle(catalog.models[0])], [], assets.__getitem__)
    shipped = {data for _, data in site.table}
    assert site.manifest.engine.fallback is None
    assert set() == shipped & {assets["engine-ort.js"], assets["ort.wasm"]}
    assert {assets[name] for name in ("engine.js", *NETWORK_ASSETS)} <= shipped


def test_a_model_that_does_not_compile_brings_onnxruntime_and_its_own_onnx_file(site: Site) -> None:
    compiled, fallback = site.manifest.models
    assert ("compiled", "onnxruntime-web") == (compiled.runtime, fallback.runtime)
    assert (".plan", ".onnx") == (compiled.weights.path[-5:], fallback.weights.path[-5:])
    assert make_colour_model().data == site.table.read(fallback.weights.path)


def test_every_entry_has_an_outcome_in_catalog_order(site: Site) -> None:
    expected = [
        ("red-or-blue", "published"),
        ("chest-findings", "published"),
        ("skin-lesions", "draft"),
        ("retina", "failed"),
    ]
    assert expected == [(outcome.entry.id, outcome.status) for outcome in site.outcomes]


def test_an_entry_that_was_not_selected_is_listed_as_not_built() -> None:
    catalog = bundles.make_catalog()
    site = assemble_site(catalog, [], [], bundles.make_assets().__getitem__)
    assert ["skipped", "skipped", "draft", "skipped"] == [outcome.status for outcome in site.outcomes]
    assert b"No model is published on this site yet" in site.table.read("index.html")


def test_another_byte_gives_another_build_id(site: Site) -> None:
    catalog = bundles.make_catalog()
    assets = bundles.make_assets() | {"vault.js": b"other"}
    other = assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), assets.__getitem__)
    assert site.build_id != other.build_id
    assert re.fullmatch(r"[0-9a-f]{16}", other.build_id)


def test_weights_over_the_limit_are_split_and_join_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module.split_bytes, "__defaults__", (100,))
    split = build()
    model: BundleManifest = split.manifest.models[0]
    joined = b"".join(split.table.read(part.path) for part in model.weights_parts)
    assert len(model.weights_parts) > 1
    plan = compile_network(make_colour_model().data).data
    assert (plan, len(plan), hash_bytes(plan)) == (joined, model.weights.size_bytes, model.weights.sha256)
    assert model.weights.path == model.weights_parts[0].path


def test_the_text_of_findings_is_escaped(site: Site) -> None:
    page = site.table.read("build/index.html").decode()
    assert "&lt;b&gt;2 of 2&lt;/b&gt;" in page
    assert "<b>2 of 2" not in page


def test_the_licence_notice_of_a_model_is_shipped(site: Site) -> None:
    assert b"Keep this notice.\n" == site.table.read("licenses/models/red-or-blue.txt")


def test_an_untranslated_language_is_refused() -> None:
    with pytest.raises(FindingsError, match="E-SITE-LANGUAGE"):
        build(languages=["en", "fr"])


def test_output_that_breaks_its_policy_is_refused() -> None:
    catalog = bundles.make_catalog()
    assets = bundles.make_assets() | {"engine.js": b'fetch("https://evil.example/")'}
    with pytest.raises(FindingsError, match="E-EMIT-FOREIGN-URL"):
        assemble_site(catalog, [], [], assets.__getitem__)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<body>", b'<body onload="planted()">', "E-EMIT-HANDLER"),
        (b"<body>", b'<body style="color:red">', "E-EMIT-STYLE"),
        (b"<body>", b"<body><script>planted()</script>", "E-EMIT-HASH"),
        (b"<body>", b'<body><img alt="" src="https://evil.example/x.png">', "E-EMIT-FOREIGN-URL"),
        (b"<meta http-equiv", b"<meta name=x><meta http-equiv", "E-EMIT-POLICY"),
        (b"default-src &#39;none&#39;", b"default-src *", "E-EMIT-POLICY"),
    ],
)
def test_a_build_with_a_planted_offence_fails_with_its_code(
    monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes, code: str
) -> None:
    def render(*arguments: object) -> list[tuple[str, bytes]]:
        pages = list(pages_module.render_pages(*arguments))  # type: ignore[arg-type]
        assert old in dict(pages)["privacy/index.html"]
        return [(path, data.replace(old, new) if path == "privacy/index.html" else data) for path, data in pages]

    monkeypatch.setattr(assembly_module, "render_pages", render)
    with pytest.raises(FindingsError) as refusal:
        build()
    assert (code, "site: privacy/index.html") in {(item.code, item.where) for item in refusal.value.findings}


def test_the_worker_pins_every_file_that_it_cannot_be_listed_with(site: Site) -> None:
    text = site.table.read("sw.js").decode()
    pinned = json.loads(text.removeprefix("serve(").removesuffix(");\n"))
    assert set(site.table.paths) - {"sw.js", "manifest.json", "SHA256SUMS"} == set(pinned["files"])
    assert [] == [path for path, file in pinned["files"].items() if file["sha256"] != hash_bytes(site.table.read(path))]
    keeps = {path: file["keep"] for path, file in pinned["files"].items()}
    model = site.manifest.models[0]
    assert ("install", "model") == (keeps["predict/index.html"], keeps[model.weights.path])
    assert site.build_id == pinned["build_id"]


def test_another_byte_anywhere_gives_another_version_of_the_worker(site: Site) -> None:
    other = build(operator="Somebody else")
    first, second = (re.search(rb'"version":"(\w+)"', item.table.read("sw.js")) for item in (site, other))
    assert first is not None
    assert second is not None
    assert first[1] != second[1]


def test_the_same_inputs_give_the_same_bytes_on_every_machine(site: Site, tmp_path: Path) -> None:
    script = (
        "import bundles, json; from webipred.site.assembly import assemble_site as a; c = bundles.make_catalog();"
        "s = a(c, bundles.make_bundles(c), bundles.make_unpublished(c), bundles.make_assets().__getitem__);"
        "print(json.dumps([f.sha256 for f in s.table.list_files()]))"
    )
    environment = {
        "PYTHONHASHSEED": "7",
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "PYTHONPATH": str(TESTS),
        "PATH": os.environ["PATH"],
    }
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert [file.sha256 for file in site.table.list_files()] == json.loads(output.stdout)


def test_no_page_holds_a_time_or_a_path_of_this_machine(site: Site) -> None:
    texts = [data for path, data in site.table if path.endswith((".html", ".json", ".txt"))]
    assert not any(str(TESTS.parent).encode() in data for data in texts)
    assert not any(re.search(rb"20\d\d-\d\d-\d\dT", data) for data in texts)
