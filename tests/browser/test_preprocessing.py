"""The golden cases of the reference in the browser: the same engine.wasm gives the same bits as in wasmtime."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from browser.server import run_host
from golden_cases import GoldenCase, export_golden_case, list_golden_cases
from webipred.assets import read_asset
from webipred.digests import hash_bytes
from webipred.engine.preprocessor import Preprocessor

pytestmark = pytest.mark.browser

CASES = list_golden_cases()

_PAGE = b"""<!doctype html><link rel="icon" href="data:,"><script>
const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const compiled = fetch("engine.wasm").then((response) => response.arrayBuffer()).then((b) => WebAssembly.compile(b));
const place = (engine, bytes) => {
  const pointer = engine.reserve(bytes.length);
  new Uint8Array(engine.memory.buffer, pointer, bytes.length).set(bytes);
  return pointer;
};
const run = async ({ program, image, image_shape: [height, width, channels] }) => {
  const engine = new WebAssembly.Instance(await compiled).exports;
  const steps = decode(program);
  const result = engine.reserve(16);
  const [code, pixels] = [place(engine, steps), place(engine, decode(image))];
  const status = engine.preprocess(code, steps.length, pixels, height, width, channels, result);
  const [pointer, h, w, c] = new Uint32Array(engine.memory.buffer, result, 4);
  const data = new Uint8Array(engine.memory.buffer, pointer, h * w * c * 4).slice();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [status, [h, w, c], Array.from(digest, (v) => v.toString(16).padStart(2, "0")).join("")];
};
</script>"""


@pytest.fixture(scope="module")
def engine_page(browser: Browser) -> Iterator[Page]:
    with run_host({"index.html": _PAGE, "engine.wasm": read_asset("engine.wasm")}) as host:
        page = browser.new_page()
        page.goto(host.url)
        yield page
        page.close()


@pytest.fixture(scope="module")
def preprocessor() -> Preprocessor:
    return Preprocessor(read_asset("engine.wasm"))


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_golden_case_gives_the_same_bits_as_in_python(
    engine_page: Page, preprocessor: Preprocessor, case: GoldenCase
) -> None:
    """tests/unit/engine/test_golden.py holds the Python side against the libraries."""
    expected = preprocessor.run(case.program, case.image)
    actual = engine_page.evaluate("(sample) => run(sample)", export_golden_case(case))
    assert [0, list(expected.shape), hash_bytes(expected.astype("<f4").tobytes())] == actual
