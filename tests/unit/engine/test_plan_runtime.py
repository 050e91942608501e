"""The page's own code around net.wasm, bundled as for the site and run in Node."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from networks import draw
from plans import make_image_plan, repair
from webipred.engine.network import Network

SCRIPT = """
const { readFileSync } = require("node:fs");
const [bundle, wasm, plan, input] = process.argv.slice(1);
const bytes = (path) => new Uint8Array(readFileSync(path)).buffer;
const { createPlanRuntime } = require(bundle);
const runtime = createPlanRuntime(bytes(wasm));
runtime.load(bytes(plan))
  .then(() => runtime.run(new Float32Array(bytes(input)), [1, 6, 6, 5]))
  .then((values) => ({ values: Array.from(values) }), ({ code, args }) => ({ code, args }))
  .then((answer) => process.stdout.write(JSON.stringify(answer)));
"""


@pytest.fixture(scope="module")
def bundle(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime as one script; skips without Node or the site's packages."""
    esbuild = repository / "site_templates/node_modules/.bin/esbuild"
    if shutil.which("node") is None or not esbuild.exists():
        pytest.skip("Node or the site's npm packages are not installed; builder/hatch_build.py installs them")
    path = tmp_path_factory.mktemp("bundle") / "runtime.cjs"
    source = repository / "site_templates/app/engine/plan-runtime.ts"
    command = [str(esbuild), str(source), "--bundle", "--platform=node", f"--outfile={path}", "--log-level=error"]
    subprocess.run(command, check=True, timeout=120)
    return path


def run_in_node(folder: Path, bundle: Path, wasm: bytes, plan: bytes) -> dict[str, object]:
    """Load a plan and run it; return the values, or the error's code and arguments."""
    image = draw(3, 1, 6, 6, 5)
    for name, data in {"wasm": wasm, "plan": plan, "input": image.tobytes()}.items():
        (folder / name).write_bytes(data)
    program = shutil.which("node") or "node"
    command = [program, "-e", SCRIPT, str(bundle), *(str(folder / name) for name in ("wasm", "plan", "input"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_a_plan_gives_what_it_gives_in_python(net_wasm: bytes, bundle: Path, tmp_path: Path) -> None:
    expected = Network(net_wasm, make_image_plan()).run(draw(3, 1, 6, 6, 5))[0]
    answer = run_in_node(tmp_path, bundle, net_wasm, make_image_plan())
    assert {"values": expected.reshape(-1).tolist()} == answer


def test_too_little_memory_is_an_error_that_names_the_need(net_wasm: bytes, bundle: Path, tmp_path: Path) -> None:
    plan = bytearray(make_image_plan())
    struct.pack_into("<I", plan, 28, 3_000_000_000)  # an arena beyond the 2 GiB that the module may have
    answer = run_in_node(tmp_path, bundle, net_wasm, repair(bytes(plan)))
    assert {"code": "E-MEMORY-MODEL", "args": {"megabytes": 3001}} == answer


def test_a_plan_of_another_version_is_an_error_that_names_the_status(
    net_wasm: bytes, bundle: Path, tmp_path: Path
) -> None:
    plan = bytearray(make_image_plan())
    struct.pack_into("<I", plan, 4, 2)
    answer = run_in_node(tmp_path, bundle, net_wasm, repair(bytes(plan)))
    assert {"code": "E-ENGINE-START", "args": {"detail": "net.wasm: VERSION"}} == answer
