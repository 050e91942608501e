"""The cheap tier: a minute without root. It keeps site and proof in step with each other; it proves nothing."""

import time
from pathlib import Path

from playwright.async_api import Playwright

from proof.chromium import AWAKE, Home, run_chromium
from proof.copies import WORKER
from proof.hosts import SITE_ZONE
from proof.laboratory import measure
from proof.loopback import open_loopback
from proof.mutants import Mutant, list_mutants
from proof.mutation import CONTROL, judge_mutants, judge_runs, list_runs, run_mutants
from proof.report import Tier, judge
from proof.residue import prove_scanner
from proof.silence import judge_requests
from proof.site import Site
from proof.workspace import add_images, load_model, save_csv, wait_for_results

_PREDICTIONS = 24
_CHOSEN = (
    "a query on the model's address",
    "request to the own server, told by the vault",
    "title, told by the vault",
    "local storage, told by the vault",
    "fetch, when a file is read",
    "console, when a file is read",
    "name of the saved table, when a file is chosen",
    "fetch, when an image comes",
    "the vault without its policy",
    "a shell that listens",
)


async def prove_cheaply(
    playwright: Playwright, executable: Path, site: Site, images: list[Path], scratch: Path
) -> Tier:
    """Predict a few images, use some mutants, and see whether server logs and page state tell them apart."""
    start = time.monotonic()
    laboratory, switches = open_loopback(site, images, scratch)
    home = Home(root=scratch / "cheap-home")
    url = laboratory.publish("plain", dict(site.files))
    async with run_chromium(playwright, executable, home, (*AWAKE, *switches)) as browser:
        page = browser.context.pages[0]
        await load_model(page, url, site.model)
        ready = laboratory.capture.mark()
        await add_images(page, laboratory.copy_images((f"image-{n:02}" for n in range(_PREDICTIONS)), "cheap-images"))
        await wait_for_results(page, _PREDICTIONS)
        await save_csv(page, scratch / "cheap.csv")
        requests = laboratory.host.list_requests(f"plain.{SITE_ZONE}")
        late = [request for request in requests if request.time >= ready and request.target != f"/{WORKER}"]
        runs = await run_mutants(browser.context, laboratory, [CONTROL, *_choose()])
    judge_runs(runs, laboratory, laboratory.capture.list_packets(0.0), home)
    return Tier(
        id="cheap",
        title="Cheap tier: no root, no wire",
        checks=(
            *judge_requests(site, requests),
            judge("no request after the model was ready", not late, f"{len(late)} in {_PREDICTIONS} predictions"),
            *judge_mutants(runs),
            prove_scanner(scratch / "scanner"),
        ),
        seconds=measure(start),
        tables=(list_runs(runs),),
        notes=("Seen are requests that reach a server on this machine. DNS, WebRTC and the like need `make prove`.",),
    )


def _choose() -> list[Mutant]:
    return [mutant for mutant in list_mutants() if mutant.name in _CHOSEN]
