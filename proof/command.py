"""The command: reads its arguments, runs the tiers, prints a table and writes the two reports."""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from proof.copies import SiteShapeError
from proof.html import render_html
from proof.report import Report, Tier
from proof.running import TIERS, run_cheap, run_full
from proof.site import find_images, read_site

_MARKS = {"passed": "✓", "failed": "✗", "not run": "–"}
_WIDTH = 118


def main(arguments: Sequence[str], root: Path) -> int:
    """Run the proof; returns 0 if all that was asked for passed, 1 if a check failed, 2 if a tier could not run."""
    options = _read_arguments(arguments)
    try:
        site = read_site(options.site, options.model)
        images = find_images(root, site.model)
    except (SiteShapeError, ValueError, OSError) as error:
        print(f"error: {error}. Build the site first: make site")
        return 2
    with tempfile.TemporaryDirectory(prefix="webipred-proof-", ignore_cleanup_errors=True) as folder:
        run = run_cheap if options.cheap else run_full
        report = run(site, images, Path(folder), options.tiers or TIERS, _print_tier, dict(os.environ))
    write_report(report, options.out)
    print(f"\n{report.outcome} · {options.out / 'report.html'}")
    states = {tier.state for tier in report.tiers}
    return 1 if "failed" in states else 2 if "not run" in states else 0


def write_report(report: Report, folder: Path) -> None:
    """Write report.json and report.html."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(render_html(report), encoding="utf-8")


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("--site", type=Path, default=Path("dist"), help="folder of the built site (default: dist)")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the reports (default: report)")
    parser.add_argument("--model", help="id of the model to use (default: the one with the smallest input)")
    parser.add_argument("--cheap", action="store_true", help="only what needs no root: under a minute, no proof")
    parser.add_argument("--tier", dest="tiers", action="append", choices=TIERS, help="run this tier only; repeatable")
    return parser.parse_args(arguments)


def _print_tier(tier: Tier) -> None:
    print(f"\n{tier.title} ({tier.seconds:.0f} s)", flush=True)
    for check in tier.checks:
        line = f"  {_MARKS[check.state]} {check.name}: {check.detail}"
        print(line if len(line) <= _WIDTH or check.state != "passed" else line[: _WIDTH - 1] + "…", flush=True)
