"""Two hundred images in one batch: every row arrives, memory stays flat, the page stays quick."""

from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]  # its stubs are one more package for one call
import pytest

from browser.conftest import OpenWorkspace, Workspace
from browser.sites import encode

pytestmark = pytest.mark.browser

IMAGES = 200
WARM_UP = 20
GROWTH = 1.2
"""The page may grow by a fifth after the first twenty images: rows and thumbnails stay, pixels do not."""
LONGEST_TASK_MS = 200

WATCH = """
self.longTasks = [];
new PerformanceObserver((list) => self.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask", buffered: true });
"""


def measure_renderers_mb() -> float:
    """Return the memory of all renderer processes of this test's browser, 10⁶ bytes that are shared with nobody."""
    processes = psutil.Process().children(recursive=True)
    renderers = [process for process in processes if "--type=renderer" in " ".join(process.cmdline())]
    assert renderers, "no renderer process was found"
    return float(sum(process.memory_full_info().uss for process in renderers)) / 1e6


def list_long_tasks(workspace: Workspace) -> list[float]:
    return [task for frame in workspace.page.frames for task in frame.evaluate("() => self.longTasks")]


def test_a_long_batch_keeps_memory_flat_and_the_page_quick(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path
) -> None:
    """Each image is 1.4 MB of pixels as RGB and 1.9 MB as RGBA: keeping them would add 300 MB or more."""
    pixels = np.random.default_rng(0).integers(0, 255, (700, 700, 3)).astype(np.uint8)
    paths = [tmp_path / f"{i}.{form}" for i, form in enumerate(["jpeg", "png"])]
    for path in paths:
        path.write_bytes(encode(pixels, path.suffix[1:]))
    with open_workspace(colour_site) as workspace:
        workspace.page.context.add_init_script(WATCH)
        workspace.page.reload()
        workspace.load()
        workspace.add_paths(*paths * (WARM_UP // 2))
        workspace.expect_counts(f"{WARM_UP} of {WARM_UP} images done.")
        before = measure_renderers_mb()
        workspace.add_paths(*paths * ((IMAGES - WARM_UP) // 2))
        workspace.expect_counts(f"{IMAGES} of {IMAGES} images done.")
        after = measure_renderers_mb()
        tasks = list_long_tasks(workspace)
    assert after <= before * GROWTH, f"{before:.0f} MB after {WARM_UP} images, {after:.0f} MB after {IMAGES}"
    assert max(tasks, default=0) <= LONGEST_TASK_MS, f"the page was blocked for {max(tasks):.0f} ms"
