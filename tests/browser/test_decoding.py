"""The engine decodes every file to the very pixels that Python decodes it to, or refuses it with the same code."""

import base64
import itertools
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from playwright.sync_api import Browser, Page

from browser.images import HEIGHT, WIDTH, Case, list_readable, list_unreadable
from browser.odd_images import list_odd_readable, list_odd_unreadable
from browser.server import run_host
from webipred.assets import read_asset
from webipred.catalog.preprocessing import InputSpec
from webipred.digests import hash_bytes
from webipred.engine.program import compile_program
from webipred.errors import FindingsError
from webipred.images.decode import decode_image
from webipred.validate.goldens import list_patterns

pytestmark = pytest.mark.browser

_PAGE = b"""<!doctype html><title>lab</title><link rel="icon" href="data:,"><script>
const worker = new Worker("engine-ort.js");
const bytes = (text) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
const load = async (name) => (await fetch(name)).blob();
let last = 0;
const ask = (request) => new Promise((resolve) => {
  const id = ++last;
  worker.addEventListener("message", function take({ data }) {
    if (data.id !== id || data.type === "progress") return;
    worker.removeEventListener("message", take);
    resolve(data);
  });
  worker.postMessage({ id, ...request });
});
const start = async (model) => ask({ type: "start", model, preprocess: await load("engine.wasm"),
  runtime: await load("ort.wasm"), weights: await load("network.onnx") });
const prove = (image) => ask({ type: "prove", image: bytes(image) });
</script>"""


class EngineLab:
    """The engine in a plain worker, started anew for other rules."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._rules: dict[str, str] | None = None

    def digest(self, case: Case) -> str:
        """Return the digest of the tensor without any preprocessing step, or the error code."""
        if self._rules != case.rules:
            started = self._page.evaluate("(model) => start(model)", _describe_model(_make_rules(case)))
            assert started["type"] == "done"
            self._rules = case.rules
        reply = self._page.evaluate("(image) => prove(image)", base64.b64encode(case.data).decode())
        return str(reply["answer"]["tensor_sha256"] if reply["type"] == "done" else reply["error"]["code"])


def _make_rules(case: Case) -> InputSpec:
    return InputSpec.model_validate({"width": WIDTH, "height": HEIGHT, **case.rules})


def _describe_model(rules: InputSpec) -> dict[str, object]:
    program = base64.b64encode(compile_program([], rules)).decode()
    classes: list[dict[str, object]] = [{"id": name, "label": {}, "threshold": None} for name in "ab"]
    model: dict[str, object] = {"task": "multi-label", "input": rules.model_dump(), "classes": classes}
    return model | {"preprocessing": {"program": program}}


def _make_network() -> bytes:
    """Return a network that takes any image and answers (0, 0)."""
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["none"]),
        helper.make_node("Expand", ["none", "shape"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "nothing",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, "h", "w", "c"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2])],
        [
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0]),
            helper.make_tensor("shape", TensorProto.INT64, [2], [1, 2]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@pytest.fixture(scope="module")
def engine_lab(browser: Browser) -> Iterator[EngineLab]:
    files = {name: read_asset(name) for name in ("engine-ort.js", "engine.wasm", "ort.wasm")}
    with run_host({**files, "index.html": _PAGE, "network.onnx": _make_network()}) as host:
        page = browser.new_page()
        page.goto(host.url)
        yield EngineLab(page)
        page.close()


def _list_patterns() -> Iterator[Case]:
    """Yield what the self-test of every model shows to the engine."""
    for name, data in list_patterns():
        width, height = Image.open(BytesIO(data)).size
        yield Case(name, data, {"width": str(width), "height": str(height)})


def _by_rules(cases: Iterable[Case]) -> list[Case]:
    """Order by rules, so that the engine is started once for each."""
    return sorted(cases, key=lambda case: sorted(case.rules.items()))


@pytest.mark.parametrize(
    "case",
    _by_rules(itertools.chain(list_readable(), list_odd_readable(), _list_patterns())),
    ids=lambda case: case.name,
)
def test_a_file_gives_the_same_pixels_as_in_python(engine_lab: EngineLab, case: Case) -> None:
    pixels = decode_image(case.data, _make_rules(case))
    expected = hash_bytes(np.ascontiguousarray(pixels, "<f4").tobytes())
    assert expected == engine_lab.digest(case)


@pytest.mark.parametrize(
    "case", _by_rules(itertools.chain(list_unreadable(), list_odd_unreadable())), ids=lambda case: case.name
)
def test_a_file_that_python_refuses_is_refused_with_the_same_code(engine_lab: EngineLab, case: Case) -> None:
    with pytest.raises(FindingsError) as refusal:
        decode_image(case.data, _make_rules(case))
    assert _merge_damage(refusal.value.findings[0].code) == _merge_damage(engine_lab.digest(case))


def _merge_damage(code: str) -> str:
    """Whether a cut-off file counts as truncated or broken depends on where each decoder notices; both say damaged."""
    return "damaged" if code in ("E-IMAGE-TRUNCATED", "E-IMAGE-BROKEN") else code
