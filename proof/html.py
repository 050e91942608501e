"""report.html: the report as one page that needs nothing but itself and runs no script."""

import base64
import hashlib
from html import escape

from proof.report import Report, Table, Tier

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --ok: #17663a; --bad: #a4161a; --none: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ok: #6fcf97; --bad: #ff8a8a; --none: #f2c14e; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.passed { color: var(--ok); } .failed { color: var(--bad); } .none { color: var(--none); }
.scroll { overflow-x: auto; } summary { cursor: pointer; padding: .5rem 0; } td { overflow-wrap: anywhere; }
"""
_OUTCOMES = {
    "passed": "Passed: nothing left the browser, and nothing stayed behind.",
    "failed": "Failed: see the checks that did not hold.",
    "incomplete": "Incomplete: not everything could be run. This report is no proof.",
}


def render_html(report: Report) -> str:
    """Return the page; all text in it is escaped, and its policy permits its own style only."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    facts = {
        "Build": report.build_id,
        "Manifest, SHA-256": report.manifest_sha256,
        "Run": report.created,
        "Scope": report.scope,
        **dict(report.system),
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    tiers = "".join(_render_tier(tier) for tier in report.tiers)
    return f"""<!doctype html>
<html lang="en"><head>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Proof of the air gap</title><style>{_STYLE}</style></head><body>
<h1>Proof of the air gap</h1>
<p class="{_class(report.outcome)}"><strong>{escape(_OUTCOMES[report.outcome])}</strong></p>
<dl>{listed}</dl>
{tiers}
</body></html>
"""


def _render_tier(tier: Tier) -> str:
    rows = "".join(
        f'<tr><td class="{_class(check.state)}">{escape(check.state)}</td><th scope="row">{escape(check.name)}</th>'
        f"<td>{escape(check.detail)}</td></tr>"
        for check in tier.checks
    )
    tables = "".join(_render_table(table) for table in tier.tables if table.rows)
    notes = "".join(f"<li>{escape(note)}</li>" for note in tier.notes)
    return f"""<section><h2>{escape(tier.title)} · <span class="{_class(tier.state)}">{escape(tier.state)}</span></h2>
<div class="scroll"><table>
<thead><tr><th>Outcome</th><th>Check</th><th>Figures</th></tr></thead><tbody>{rows}</tbody></table>
</div>{tables}<ul>{notes}</ul></section>
"""


def _render_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"""<details><summary>{escape(table.title)} ({len(table.rows)} rows)</summary><div class="scroll"><table>
<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>
"""


def _class(state: str) -> str:
    return state if state in ("passed", "failed") else "none"
