"""Running the tiers in order; what a machine cannot run is reported, never left out."""

import asyncio
import datetime
import hashlib
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from playwright.async_api import Playwright, async_playwright

from proof.cheap import prove_cheaply
from proof.chromium import find_chromium
from proof.engines import list_versions, prove_engines
from proof.laboratory import Laboratory, measure, open_laboratory
from proof.matrix import prove_matrix
from proof.mutation import prove_mutants
from proof.network import NoNamespaceError
from proof.report import Check, Report, Tier, skip
from proof.residue import prove_residue
from proof.silence import prove_silence
from proof.site import Site

TIERS = ("silence", "matrix", "mutants", "residue", "engines")
_TITLES = {
    "silence": "Silence on the wire",
    "matrix": "Exfiltration matrix",
    "mutants": "Mutants: planted leaks that the proof must notice",
    "residue": "Residue on disk and in memory",
    "engines": "Browser engines",
}
Show = Callable[[Tier], None]
Step = Callable[[Playwright, Path, Laboratory], Awaitable[Tier]]


def run_full(
    site: Site, images: list[Path], scratch: Path, wanted: Sequence[str], show: Show, environment: Mapping[str, str]
) -> Report:
    """Run all tiers that were asked for; those that were not make the report incomplete."""
    chromium = find_chromium(environment)
    try:
        laboratory = open_laboratory(site, images, scratch)
    except NoNamespaceError as error:
        return _finish(site, [_refuse(name, str(error), show) for name in TIERS], "full", ())
    tiers = []
    for name in TIERS:
        if name not in wanted:
            tiers.append(_refuse(name, "it was not asked for", show))
        elif chromium is None and name != "engines":
            tiers.append(_refuse(name, "no Chromium is installed (Debian: chromium)", show))
        else:
            tiers.append(_run(name, chromium, laboratory, show))
    versions = next((list_versions(tier) for tier in tiers if tier.id == "engines" and tier.tables), ())
    return _finish(site, tiers, "full", versions)


def run_cheap(
    site: Site, images: list[Path], scratch: Path, wanted: Sequence[str], show: Show, environment: Mapping[str, str]
) -> Report:
    """Run what needs no root: a smoke test of site and proof, never a proof."""
    chromium = find_chromium(environment)
    if chromium is None:
        tiers = [_refuse("cheap", "no Chromium is installed; make test installs one", show)]
        return _finish(site, tiers, "cheap", ())

    async def run() -> Tier:
        async with async_playwright() as playwright:
            return await prove_cheaply(playwright, chromium, site, images, scratch)

    tier = asyncio.run(run())
    show(tier)
    return _finish(site, [tier], "cheap", ())


def _run(name: str, chromium: Path | None, laboratory: Laboratory, show: Show) -> Tier:
    """Run one tier; one that breaks off has failed, and says where."""
    start = time.monotonic()
    try:
        tier = (
            prove_engines(chromium, laboratory)
            if name == "engines" or chromium is None
            else asyncio.run(_drive(name, chromium, laboratory))
        )
    except Exception as error:  # whatever it was, the other tiers are run and this one has not passed
        check = Check(name="the tier ran to its end", state="failed", detail=f"{type(error).__name__}: {error}"[:600])
        tier = Tier(id=name, title=_TITLES[name], checks=(check,), seconds=measure(start))
    show(tier)
    return tier


async def _drive(name: str, chromium: Path, laboratory: Laboratory) -> Tier:
    steps: dict[str, Step] = {
        "silence": prove_silence,
        "matrix": prove_matrix,
        "mutants": prove_mutants,
        "residue": _prove_residue,
    }
    async with async_playwright() as playwright:
        return await steps[name](playwright, chromium, laboratory)


async def _prove_residue(playwright: Playwright, chromium: Path, laboratory: Laboratory) -> Tier:
    url = laboratory.publish("residue", dict(laboratory.site.files))
    return await prove_residue(playwright, chromium, laboratory.site, url, laboratory.scratch)


def _refuse(name: str, reason: str, show: Show) -> Tier:
    title = _TITLES.get(name, "Cheap tier")
    tier = Tier(id=name, title=title, checks=(skip(title, reason),), seconds=0.0)
    show(tier)
    return tier


def _finish(site: Site, tiers: Sequence[Tier], scope: str, versions: Sequence[tuple[str, str]]) -> Report:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return Report(
        build_id=site.build_id,
        manifest_sha256=hashlib.sha256(site.files.get("manifest.json", b"")).hexdigest(),
        created=now.isoformat().replace("+00:00", "Z"),
        system=(("System", f"{platform.system()} {platform.release()}"), *versions),
        scope=scope,
        tiers=tuple(tiers),
    )
