"""Which build of the engine a page runs, what it does when that build fails, and how engines share a batch."""

import pytest
from playwright.sync_api import expect

from browser.conftest import ONE_PLAIN_ENGINE, OpenWorkspace, Workspace
from browser.server import ISOLATION
from browser.sites import BLUE, LANGUAGES, RED, compose_site, make_bundle, make_site
from webipred.assets import read_asset
from webipred.site.bundles import publish_bundle
from webipred.site.manifest import GoldenRef

pytestmark = pytest.mark.browser

EMPTY_MODULE = b"\0asm\1\0\0\0"
TWO_CORES = "Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => 2 });"
DEAD_THREAD = b"if (self.name === 'engine-thread') throw new Error('no thread today');"


def expect_runner(workspace: Workspace, text: str) -> None:
    expect(workspace.vault.locator(".check.passed .quiet")).to_have_text(f" · {text}")


def list_asked(workspace: Workspace, names: tuple[str, ...]) -> list[str]:
    """Return those of the builds that the page has asked for."""
    sizes = {name: len(read_asset(name)) for name in names}
    paths = {path: data for path, data in workspace.host.files.items() if path.endswith(".wasm")}
    asked = {line.rpartition("/")[2] for line in workspace.host.requests}
    found = {path: len(data) for path, data in paths.items() if path.rpartition("/")[2] in asked}
    return [name for name, size in sizes.items() if size in found.values()]


NAMES = ("net.wasm", "net-threads.wasm", "net-relaxed.wasm", "net-relaxed-threads.wasm")


@pytest.mark.parametrize(
    ("script", "headers", "expected"),
    [
        (ONE_PLAIN_ENGINE, {}, ["net.wasm"]),
        (TWO_CORES, {}, ["net.wasm", "net-relaxed.wasm"]),
        (TWO_CORES, ISOLATION, ["net.wasm", "net-relaxed-threads.wasm"]),
    ],
)
def test_a_page_loads_the_fastest_build_and_the_plain_one(
    open_workspace: OpenWorkspace,
    colour_site: dict[str, bytes],
    script: str,
    headers: dict[str, str],
    expected: list[str],
) -> None:
    with open_workspace(colour_site, script=script, headers=headers) as workspace:
        workspace.load()
        assert expected == list_asked(workspace, NAMES)


def test_a_build_that_does_not_start_gives_way_to_the_plain_one(open_workspace: OpenWorkspace) -> None:
    broken = dict.fromkeys(NAMES[1:], EMPTY_MODULE)
    site = compose_site([publish_bundle(make_bundle(), LANGUAGES)], networks=broken)
    with open_workspace(site, script=TWO_CORES) as workspace:
        workspace.load()
        expect_runner(workspace, "plain SIMD")
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        assert "compiled/plain" in workspace.save_csv()


def test_right_probabilities_with_other_bits_switch_predictions_off(open_workspace: OpenWorkspace) -> None:
    published = publish_bundle(make_bundle(), LANGUAGES)
    first, *others = published.manifest.goldens
    lie = GoldenRef.model_validate({**first.model_dump(), "outputs": {"plain": "0" * 64, "fused": "0" * 64}})
    manifest = published.manifest.model_copy(update={"goldens": [lie, *others]})
    with open_workspace(compose_site([published], manifests=[manifest])) as workspace:
        workspace.page.get_by_role("radio", name="Red or blue").check()
        workspace.page.get_by_role("button", name="Load model").click()
        alert = workspace.vault.get_by_role("alert")
        expect(alert).to_contain_text("in 1 of 3 runs only", timeout=60_000)


def test_a_page_whose_threads_do_not_start_runs_alone(open_workspace: OpenWorkspace) -> None:
    site = make_site([make_bundle()], engine_script=DEAD_THREAD + read_asset("engine.js"))
    with open_workspace(site, script=TWO_CORES, headers=ISOLATION, allowed=("no thread today",)) as workspace:
        workspace.load()
        assert "threads" not in workspace.vault.locator(".check.passed").inner_text()


def test_a_batch_is_shared_by_engines_that_start_when_it_is_one(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    images = [(f"{i}.png", RED if i % 3 else BLUE) for i in range(12)]
    with open_workspace(colour_site, script=TWO_CORES) as workspace:
        workspace.load()
        workspace.add(images[0])
        workspace.expect_counts("1 of 1 images done.")
        assert 1 == len(workspace.page.workers)
        workspace.add(*images[1:])
        workspace.expect_counts("12 of 12 images done.")
        assert 2 == len(workspace.page.workers)
        rows = [line.split(",")[:4] for line in workspace.save_csv().splitlines()[1:]]
    assert [[name, "done", "", "red" if data == RED else "blue"] for name, data in images] == rows
