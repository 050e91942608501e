"""Two hundred images in one batch: every row arrives, memory stays flat, the page stays quick."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]  # its stubs are one more package for one call
import pytest
from playwright.sync_api import Browser, Playwright

from browser.conftest import OpenWorkspace, Workspace, launch_chromium
from browser.sites import encode

pytestmark = pytest.mark.browser

IMAGES = 200
STEP = 20
GROWTH = 1.2
"""The page may grow by a fifth after the first forty images: rows and thumbnails stay, pixels do not."""
LONGEST_TASK_MS = 200

WATCH = """
self.longTasks = [];
new PerformanceObserver((list) => self.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask", buffered: true });
"""


def list_renderers() -> set[psutil.Process]:
    """Return the renderer processes of all browsers that these tests have started."""
    return {process for process in psutil.Process().children(recursive=True) if _is_renderer(process)}


def _is_renderer(process: psutil.Process) -> bool:
    try:
        return "--type=renderer" in " ".join(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return False


@dataclass
class Meter:
    """Measures the renderers that were not there before."""

    others: set[psutil.Process]

    def read_mb(self) -> float:
        """Return the memory that they share with nobody, in 10⁶ bytes."""
        renderers = list_renderers() - self.others
        assert renderers, "no renderer process was found"
        return float(sum(process.memory_full_info().uss for process in renderers)) / 1e6


@pytest.fixture(scope="module")
def meter() -> Meter:
    return Meter(others=list_renderers())


@pytest.fixture(scope="module")
def browser(playwright_driver: Playwright, meter: Meter) -> Iterator[Browser]:
    """A browser of its own: what other tests have left behind is not measured."""
    assert meter.others is not None
    browser = launch_chromium(playwright_driver, "--js-flags=--expose-gc")
    yield browser
    browser.close()


def collect_garbage(workspace: Workspace) -> None:
    for frame in workspace.page.frames:
        frame.evaluate("() => gc()")
    for engine in workspace.page.workers:
        engine.evaluate("() => gc()")


def list_long_tasks(workspace: Workspace) -> list[float]:
    return [task for frame in workspace.page.frames for task in frame.evaluate("() => self.longTasks")]


def write_images(folder: Path, size: int) -> list[Path]:
    """Return a JPEG and a PNG of noise."""
    pixels = np.random.default_rng(0).integers(0, 255, (size, size, 3)).astype(np.uint8)
    paths = [folder / f"image.{form}" for form in ("jpeg", "png")]
    for path in paths:
        path.write_bytes(encode(pixels, path.suffix[1:]))
    return paths


def test_memory_stays_flat_over_a_long_batch(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path, meter: Meter
) -> None:
    """Each image is 1.4 MB of pixels as RGB and 1.9 MB as RGBA: keeping them would add 200 MB or more.

    The first twenty images only start the engines that share the batch. Garbage is collected before each reading,
    in the page's frames and in the engines: left to itself, memory is a saw.
    """
    paths = write_images(tmp_path, size=700)
    readings = []
    with open_workspace(colour_site) as workspace:
        workspace.load()
        for count, done in ((STEP, STEP), (STEP, 2 * STEP), (IMAGES - 2 * STEP, IMAGES)):
            workspace.add_paths(*paths * (count // 2))
            workspace.expect_counts(f"{done} of {done} images done.")
            collect_garbage(workspace)
            readings.append(meter.read_mb())
        assert IMAGES + 1 == workspace.save_csv().count("\r\n")
    assert readings[-1] <= readings[1] * GROWTH, [round(reading) for reading in readings]


def test_the_page_is_never_blocked_by_loading_or_by_a_long_batch(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path
) -> None:
    paths = write_images(tmp_path, size=200)
    with open_workspace(colour_site) as workspace:
        workspace.page.context.add_init_script(WATCH)
        workspace.page.reload()
        workspace.load()
        workspace.add_paths(*paths * (IMAGES // 2))
        workspace.expect_counts(f"{IMAGES} of {IMAGES} images done.")
        tasks = list_long_tasks(workspace)
    assert max(tasks, default=0) <= LONGEST_TASK_MS, [round(task) for task in tasks]
