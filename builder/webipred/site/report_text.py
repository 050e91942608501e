"""Reports of a build as plain text and as Markdown."""

from collections.abc import Iterable, Sequence

from webipred.findings import Finding
from webipred.site.outcomes import EntryOutcome

_SEVERITIES = ("error", "warning", "note")


def render_report_text(outcome: EntryOutcome) -> str:
    """Return the report of one entry as lines of text with a final line feed."""
    lines = [f"{outcome.entry.id} {outcome.entry.version}: {outcome.status}"]
    width = max((len(check.name) for check in outcome.checks), default=0)
    lines += [f"  {check.outcome:<8}{check.name:<{width}}  {check.detail}".rstrip() for check in outcome.checks]
    lines += [f"  {finding.severity}: {finding}" for finding in rank_findings(outcome.findings)]
    return "\n".join(lines) + "\n"


def render_reports_text(outcomes: Iterable[EntryOutcome]) -> str:
    """Return the reports of several entries, separated by an empty line."""
    return "\n".join(render_report_text(outcome) for outcome in outcomes)


def render_reports_markdown(outcomes: Sequence[EntryOutcome]) -> str:
    """Return the reports of several entries as Markdown: a table of the entries, then each with checks and findings."""
    lines = ["# Build report", "", "| Entry | Version | Status | Checks passed | Errors | Warnings |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for outcome in outcomes:
        counts = [sum(finding.severity == severity for finding in outcome.findings) for severity in _SEVERITIES]
        checks = f"{outcome.passed_checks} of {len(outcome.checks)}"
        cells = (outcome.entry.id, outcome.entry.version, outcome.status, checks, str(counts[0]), str(counts[1]))
        lines.append(f"| {' | '.join(cells)} |")
    for outcome in outcomes:
        lines += ["", f"## {outcome.entry.id}", "", *_list_checks(outcome), *_list_findings(outcome)]
        if not outcome.checks and not outcome.findings:
            lines.append(f"{outcome.status}: {escape_markdown(outcome.reason or 'not part of this build')}")
    return "\n".join(lines) + "\n"


def rank_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with errors first, then warnings, then notes; else in their order."""
    return sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))


def escape_markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, on one line."""
    marked = "".join(f"\\{character}" if character in "\\`*_[]<>|#&!~" else character for character in text)
    return " ".join(marked.split())


def _list_checks(outcome: EntryOutcome) -> list[str]:
    return [f"- {check.outcome}: **{check.name}** {escape_markdown(check.detail)}" for check in outcome.checks]


def _list_findings(outcome: EntryOutcome) -> list[str]:
    return [
        f"- {finding.severity} `{finding.code}` {escape_markdown(f'{finding.where}: {finding.what} {finding.fix}')}"
        for finding in rank_findings(outcome.findings)
    ]
