"""A model with an operator that the compiled engine lacks runs on onnxruntime-web, beside one that does not."""

import csv
import io

import pytest

from browser.conftest import OpenWorkspace
from browser.server import PREFIX
from browser.sites import BLUE, RED, make_bundle, make_site
from tiny_models import make_foreign_network
from webipred.assets import read_asset
from webipred.site.table import place_asset

pytestmark = pytest.mark.browser

FALLBACK = {place_asset(read_asset(name), name.rpartition(".")[2])[0] for name in ("engine-ort.js", "ort.wasm")}
COMPILED = {place_asset(read_asset(name), name.rpartition(".")[2])[0] for name in ("engine.js", "net.wasm")}


@pytest.fixture(scope="module")
def mixed_site() -> dict[str, bytes]:
    foreign = make_bundle({"id": "foreign", "name": "Foreign operator"}, network=make_foreign_network())
    assert "onnxruntime-web" == foreign.runtime
    return make_site([make_bundle(), foreign])


def predict(open_workspace: OpenWorkspace, site: dict[str, bytes], name: str) -> tuple[list[dict[str, str]], set[str]]:
    """Return the rows of the saved CSV and the paths that were asked for."""
    with open_workspace(site) as workspace:
        workspace.load(name)
        workspace.add(("a.png", RED), ("b.png", BLUE))
        workspace.expect_counts("2 of 2 images done.")
        rows = list(csv.DictReader(io.StringIO(workspace.save_csv().removeprefix("\ufeff"), newline="")))
        return rows, {line.removeprefix(f"GET {PREFIX}") for line in workspace.host.requests}


def test_the_fallback_predicts_and_says_so(open_workspace: OpenWorkspace, mixed_site: dict[str, bytes]) -> None:
    rows, asked = predict(open_workspace, mixed_site, "Foreign operator")
    assert [("red", "onnxruntime-web"), ("blue", "onnxruntime-web")] == [(r["predicted"], r["runtime"]) for r in rows]
    assert FALLBACK <= asked
    assert set() == asked & COMPILED


def test_a_compiled_model_loads_nothing_of_onnxruntime(
    open_workspace: OpenWorkspace, mixed_site: dict[str, bytes]
) -> None:
    rows, asked = predict(open_workspace, mixed_site, "Red or blue")
    assert [("red", "compiled"), ("blue", "compiled")] == [(r["predicted"], r["runtime"][:8]) for r in rows]
    assert COMPILED <= asked
    assert set() == asked & FALLBACK
