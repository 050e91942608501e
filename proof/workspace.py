"""What a person does on the page: choose a model, load it, give it images, read and save results, clear."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Frame, FrameLocator, Page, expect

LIMIT_MS = 180_000
"""The machine may be busy; nothing here measures time."""


class RefusedError(Exception):
    """The page refused to work: the self-test did not pass."""


def find_vault(page: Page) -> Frame:
    """Return the vault's frame; raises RefusedError when there is none."""
    frame = next((frame for frame in page.frames if frame.parent_frame is not None), None)
    if frame is None:
        raise RefusedError("the page opened no vault")
    return frame


def get_vault(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


async def load_model(page: Page, url: str, model: str) -> None:
    """Open the workspace, load the model and wait until the self-test has passed."""
    await page.goto(f"{url}predict/#{model}", timeout=LIMIT_MS)
    await page.locator("#load").click(timeout=LIMIT_MS)
    await wait_until_ready(page)


async def wait_until_ready(page: Page) -> None:
    """Wait for the self-test of the open vault; raises RefusedError when it does not pass."""
    check = get_vault(page).locator(".check.passed, .check.refused")
    await expect(check).to_be_visible(timeout=LIMIT_MS)
    if "refused" in (await check.get_attribute("class") or ""):
        raise RefusedError("the self-test of the page did not pass")


async def add_images(page: Page, paths: Sequence[Path]) -> None:
    """Choose files by path, as a person does: bytes without a path would never reach a session store."""
    await get_vault(page).locator("input[type=file]").first.set_input_files(list(paths), timeout=LIMIT_MS)


async def wait_for_results(page: Page, count: int) -> None:
    """Wait until `count` images in all are done, none of them with an error."""
    text = f"{count} of {count} images done."
    await expect(get_vault(page).locator(".counts")).to_have_text(text, timeout=10 * LIMIT_MS)


async def save_csv(page: Page, target: Path) -> str:
    """Save the results to `target` and return the name that the page offered."""
    async with page.expect_download(timeout=LIMIT_MS) as download:
        await get_vault(page).locator(".progress button.primary").click(timeout=LIMIT_MS)
    saved = await download.value
    await saved.save_as(target)
    return saved.suggested_filename


async def clear(page: Page) -> None:
    """Press Clear; the page opens a new vault."""
    await page.locator("#clear").click(timeout=LIMIT_MS)


def read_probabilities(text: str, classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return image → probabilities, as printed in a CSV of the page or of `webipred-build predict`."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return {row["image"]: tuple(row[name] for name in classes) for row in rows}
