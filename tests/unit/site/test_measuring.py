"""bench/: its script holds the engine's files and the models that run on it, and nothing else can be measured."""

import json
import re

import bundles
from webipred.digests import hash_bytes
from webipred.site.assembly import Site, assemble_site
from webipred.validate.bundle import ModelBundle


def make_site(models: list[ModelBundle]) -> Site:
    catalog = bundles.make_catalog()
    return assemble_site(catalog, models, bundles.make_unpublished(catalog), bundles.make_assets().__getitem__)


def read_page(site: Site, path: str = "bench/index.html") -> str:
    return site.table.read(path).decode()


def test_the_script_names_the_published_files_of_engine_and_models() -> None:
    catalog = bundles.make_catalog()
    site = make_site(bundles.make_bundles(catalog))
    found = re.search(r"measure\((.*)\);", read_page(site))
    assert found is not None
    contents = json.loads(found[1])
    assert ["red-or-blue"] == [model["id"] for model in contents["models"]]  # the other one needs onnxruntime-web
    assert [1, 8, 8, 3] == contents["models"][0]["shape"]
    files = [contents["script"], *contents["networks"].values(), *contents["models"][0]["weights_parts"]]
    assert [file["sha256"] for file in files] == [hash_bytes(site.table.read(file["path"])) for file in files]


def test_the_page_may_fetch_from_its_site_and_start_engines_from_memory_only() -> None:
    page = read_page(make_site(bundles.make_bundles(bundles.make_catalog())))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for directive in ("connect-src &#39;self&#39;;", "worker-src blob:;", "trusted-types bench default"):
        assert directive in policy[1]
    assert "unsafe-inline" not in policy[1]


def test_every_language_leads_to_the_same_root() -> None:
    site = make_site(bundles.make_bundles(bundles.make_catalog()))
    roots = [
        re.findall(r'data-root="([^"]*)"', read_page(site, path))
        for path in ("bench/index.html", "de/bench/index.html")
    ]
    assert [["../"], ["../../"]] == roots


def test_without_a_model_to_measure_the_page_says_so_and_has_no_script() -> None:
    catalog = bundles.make_catalog()
    page = read_page(make_site(bundles.make_bundles(catalog)[1:]))
    assert "No model of this site runs on the engine" in page
    assert "<script" not in page


def test_every_page_leads_there() -> None:
    site = make_site(bundles.make_bundles(bundles.make_catalog()))
    assert 'href="../bench/">Measure this computer</a>' in read_page(site, "privacy/index.html")
