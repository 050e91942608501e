"""Files of --report: which endings there are, and how they are written."""

import dataclasses
import html
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from webipred.errors import refuse
from webipred.findings import Finding
from webipred.site.report_text import escape_markdown, rank_findings

ENDINGS: Final = (".json", ".md", ".html")


def judge_report_path(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse, before any work, a path that no report can be written to; click calls this."""
    if path is None:
        return None
    if path.suffix not in ENDINGS:
        raise click.BadParameter(f"{path}: the ending must be one of {', '.join(ENDINGS)}.", context, option)
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"{path}: the folder {path.parent} does not exist; make it first.", context, option)
    return path


def write_report(path: Path, text: str) -> None:
    """Write a report; raises FindingsError E-REPORT-WRITE if the disk refuses it."""
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        what = f"the report cannot be written ({error.strerror or error})."
        raise refuse("E-REPORT-WRITE", str(path), what, "Make room, or name another file with --report.") from error


def render_findings(findings: Iterable[Finding], form: str) -> str:
    """Return the report of a check in the form of an ending of ENDINGS; errors come first."""
    ranked = rank_findings(findings)
    if form == ".json":
        records = [{"severity": finding.severity, **dataclasses.asdict(finding)} for finding in ranked]
        return json.dumps({"findings": records}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if form == ".md":
        lines = [f"- {finding.severity}: {escape_markdown(str(finding))}" for finding in ranked]
        return "\n".join(["# Check report", "", *(lines or ["No findings."])]) + "\n"
    items = "".join(f"<li>{finding.severity}: {html.escape(str(finding))}</li>\n" for finding in ranked)
    body = f"<ul>\n{items}</ul>" if items else "<p>No findings.</p>"
    head = '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Check report</title>\n<h1>Check report</h1>\n'
    return f"{head}{body}\n</html>\n"
