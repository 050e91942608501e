"""Tier 4, residue: what is left on the disk and in memory after the page was used, closed, cleared or killed."""

import asyncio
import base64
import gzip
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from playwright.async_api import Playwright

from proof.canaries import Canary, make_canary
from proof.chromium import Browser, Home, run_chromium
from proof.codecs_of_browsers import MOZLZ4
from proof.laboratory import measure
from proof.memory import ProcessHits, scan_memory, total_hits
from proof.report import Check, Table, Tier, judge
from proof.scanning import Scan, scan_folders
from proof.site import Site
from proof.workspace import add_images, clear, find_vault, get_vault, load_model, save_csv, wait_for_results
from webipred.catalog.preprocessing import InputSpec
from webipred.engine.preprocessor import Preprocessor
from webipred.images.decode import decode_image
from webipred.site.reading import read_site

_SESSION_S = 5.0
"""Browsers write their session files some seconds after a change."""
_CLEAR_S = 2.0
_FLOATS = 16
RESTORE = ("--restore-last-session", "--hide-crash-restore-bubble")


async def prove_residue(playwright: Playwright, executable: Path, site: Site, url: str, scratch: Path) -> Tier:
    """Use the page in one home after another and search what is left."""
    start = time.monotonic()
    rows: list[tuple[str, str, str, str]] = []
    closed = await _use_and_close(playwright, executable, site, url, scratch, rows)
    killed = await _use_and_kill(playwright, executable, site, url, scratch, rows)
    cleared, memory = await _use_and_clear(playwright, executable, site, url, scratch)
    checks = (prove_scanner(scratch / "scanner"), *closed, *killed, *cleared)
    columns = ("situation", "files", "MB", "hits")
    return Tier(
        id="residue",
        title="Residue on disk and in memory",
        checks=checks,
        seconds=measure(start),
        tables=(Table(title="Searched on the disk", columns=columns, rows=tuple(rows)), memory),
        notes=(
            "Searched for: two parts of the file's name, a word of the image's text, runs of 24 pixels as RGB(A).",
            "Searched in: files as they are and as UTF-16, LZ4 blocks of Mozilla, gzip, Snappy blocks of LevelDB.",
            "Swap, hibernation files, crash dumps and the printer's spool are the computer's, and were not searched.",
        ),
    )


def list_needles(canary: Canary) -> tuple[bytes, ...]:
    return (*canary.words, canary.text, *canary.pixels.values())


def prove_scanner(folder: Path) -> Check:
    """Plant a canary in every form that the scanner claims to read; it must find each."""
    canary = make_canary(99)
    needle = canary.words[0]
    planted = {
        "plain": needle,
        "utf-16": needle.decode().encode("utf-16-le"),
        "gzip": b"before" + gzip.compress(b"x" * 50 + needle),
        "mozlz4": MOZLZ4 + b"\0\0\0\0" + _store_lz4(needle),
        "table": make_table(needle),
        canary.file_name: b"",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in planted.items():
        (folder / name).write_bytes(data)
    found = {hit.path.name for hit in scan_folders([folder], [needle]).hits}
    missed = sorted(set(planted) - found)
    return judge(
        "the scanner finds what is planted", not missed, f"{len(found)} of {len(planted)} forms; missed: {missed}"
    )


def make_table(text: bytes) -> bytes:
    """Return a LevelDB table with one Snappy block that holds `text`."""
    block = _store_snappy(text)
    handle = bytes([0, len(block)])  # offset 0, size below 128
    entry = bytes([0, 1, len(handle)]) + b"k" + handle
    index = entry + b"\0\0\0\0" + b"\1\0\0\0"
    start = len(block) + 5
    footer = (b"\0\0" + bytes([start, len(index)])).ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    return block + b"\1\0\0\0\0" + index + b"\0\0\0\0\0" + footer


def _store_lz4(text: bytes) -> bytes:
    """An LZ4 block that spells the first half and copies nothing: literals, then a copy, then literals."""
    half = len(text) // 2
    return _literals(b"abcd", copy=True) + _literals(text[:half] + text[half:], copy=False)


def _literals(text: bytes, *, copy: bool) -> bytes:
    size = len(text)
    token = bytes([min(size, 15) << 4]) + (bytes([size - 15]) if size >= 15 else b"")
    return token + text + (b"\4\0" if copy else b"")


def _store_snappy(text: bytes) -> bytes:
    return bytes([len(text), (len(text) - 1) << 2]) + text


async def _use(browser: Browser, site: Site, url: str, canary: Canary, folder: Path) -> None:
    """Load, predict, look at the image large, and wait until the browser has written its session."""
    page = browser.context.pages[0]
    await load_model(page, url, site.model)
    await add_images(page, [canary.write(folder)])
    await wait_for_results(page, 1)
    await get_vault(page).locator("tr.done .name").first.click()
    await asyncio.sleep(_SESSION_S)


async def _use_and_close(
    playwright: Playwright, executable: Path, site: Site, url: str, scratch: Path, rows: list[tuple[str, str, str, str]]
) -> tuple[Check, ...]:
    canary, home = make_canary(1), Home(root=scratch / "residue-closed")
    async with run_chromium(playwright, executable, home) as browser:
        await _use(browser, site, url, canary, scratch / "canaries")
        rows.append(_describe("page open", opened := _search(home, canary)))
        csv = home.downloads / "webipred-results.csv"
        await save_csv(browser.context.pages[0], csv)
    rows.append(_describe("closed, table saved", scan := _search(home, canary)))
    others = [hit for hit in scan.hits if hit.path != csv]
    in_table = any(hit.path == csv for hit in scan.hits)
    return (
        judge("nothing on the disk while the page is open", not opened.hits, _list_hits(opened, home)),
        judge("nothing on the disk after closing but the saved table", not others, _list_hits(scan, home)),
        judge("the saved table holds the name, so the search works", in_table, f"{len(scan.hits)} hits in all"),
    )


async def _use_and_kill(
    playwright: Playwright, executable: Path, site: Site, url: str, scratch: Path, rows: list[tuple[str, str, str, str]]
) -> tuple[Check, ...]:
    canary, home = make_canary(2), Home(root=scratch / "residue-killed")
    async with run_chromium(playwright, executable, home) as browser:
        await _use(browser, site, url, canary, scratch / "canaries")
        browser.kill()
        await asyncio.sleep(1)
    rows.append(_describe("killed", killed := _search(home, canary)))
    async with run_chromium(playwright, executable, home, RESTORE) as browser:
        await asyncio.sleep(_SESSION_S)
        shown = [await _read_page(page) for page in browser.context.pages]
    rows.append(_describe("killed, restored, closed", restored := _search(home, canary)))
    telling = [text for text in shown if any(word.decode() in text for word in canary.words)]
    return (
        judge("nothing on the disk after SIGKILL", not killed.hits, _list_hits(killed, home)),
        judge("nothing on the disk after restoring the session", not restored.hits, _list_hits(restored, home)),
        judge("the restored page shows nothing of before", not telling, f"{len(shown)} pages restored"),
    )


async def _read_page(page: object) -> str:
    from playwright.async_api import Error, Page

    texts = []
    if isinstance(page, Page):
        for frame in page.frames:
            try:
                texts.append(await frame.content())
            except Error:
                continue
    return "".join(texts)


async def _use_and_clear(
    playwright: Playwright, executable: Path, site: Site, url: str, scratch: Path
) -> tuple[tuple[Check, ...], Table]:
    canary, home = make_canary(3), Home(root=scratch / "residue-memory")
    needles = {**canary.pixels, "tensor": compute_tensor(site, canary), "text of the image": canary.text}
    words = {"name of the file": canary.words[0]}
    async with run_chromium(playwright, executable, home) as browser:
        page = browser.context.pages[0]
        await _use(browser, site, url, canary, scratch / "canaries")
        root = browser.process
        if root is None:
            raise RuntimeError("the browser's first process was not found")
        used = scan_memory(root, {**needles, **words})
        old = find_vault(page)
        await clear(page)
        await asyncio.sleep(_CLEAR_S)
        cleared = scan_memory(root, {**needles, **words})
        gone = old.is_detached()
    before, after = total_hits(used), total_hits(cleared)
    left = {name: after[name] for name in needles if after[name]}
    found = [name for name in ("pixels (RGB)", "pixels (RGBA)") if before[name]]
    rows = tuple((name, str(before[name]), str(after[name])) for name in before)
    checks = (
        judge(
            "pixels and tensor are found before Clear, so the search works",
            bool(found and before["tensor"]),
            str(before),
        ),
        judge("Clear ends the vault", gone, "the frame is gone" if gone else "the frame is still there"),
        judge("two seconds after Clear no pixel and no tensor in memory", not left, _list_processes(cleared, left)),
    )
    return checks, Table(title="Found in memory", columns=("what", "before Clear", "2 s after Clear"), rows=rows)


def compute_tensor(site: Site, canary: Canary) -> bytes:
    """Return a run of the input tensor that the page computes for the canary, by the site's own preprocessing."""
    built = read_site(site.folder)
    bundle = next(model for model in built.manifest.models if model.id == site.model)
    pixels = decode_image(canary.data, InputSpec(**bundle.input.model_dump()))
    preprocessor = Preprocessor(built.read_file(built.manifest.engine.preprocess))
    tensor = preprocessor.run(base64.b64decode(bundle.preprocessing.program), pixels)
    data = tensor.astype("<f4").tobytes()
    middle = len(data) // 8 * 4
    return data[middle : middle + 4 * _FLOATS]


def _search(home: Home, canary: Canary) -> Scan:
    return scan_folders([home.root], list_needles(canary))


def _describe(situation: str, scan: Scan) -> tuple[str, str, str, str]:
    return situation, str(scan.files), f"{scan.size_bytes / 1e6:.1f}", str(len(scan.hits))


def _list_hits(scan: Scan, home: Home) -> str:
    places = sorted({f"{hit.path.relative_to(home.root)} ({hit.how})" for hit in scan.hits})
    return f"{len(scan.hits)} hits in {scan.files} files: {', '.join(places[:6]) or 'none'}"


def _list_processes(scanned: Sequence[ProcessHits], left: Iterable[str]) -> str:
    names = list(left)
    places = [f"{p.process}: {name}" for p in scanned for name in names if p.counts[name]]
    return f"{len(scanned)} processes; {', '.join(places[:6]) or 'none'}"
