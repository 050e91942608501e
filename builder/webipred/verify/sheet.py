"""The verification sheet: one printed page for whoever answers for data protection."""

import shlex
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined

from webipred.findings import Finding
from webipred.site.emission import hash_source
from webipred.site.rendering import LANGUAGE_NAMES
from webipred.site.report_text import rank_findings
from webipred.site.templates import read_page
from webipred.site.texts import load_texts
from webipred.verify.verification import Verification

_SHOWN_FINDINGS = 4
"""More would not fit the page; the JSON report has all of them."""
_LONGEST = 150

STYLE = """
@page { size: A4; margin: 12mm 16mm; }
* { box-sizing: border-box; }
body { font: 9.5pt/1.3 system-ui, "Noto Sans", "Liberation Sans", Arial, sans-serif; color: #000; background: #fff;
  max-width: 178mm; margin: 0 auto; padding: 4mm; }
@media print {
  body { padding: 0; display: flex; flex-direction: column; height: 270mm; overflow: hidden; }
  body > * { flex: none; }
  body > .findings { flex: 0 1 auto; min-height: 0; overflow: hidden; }
}
h1 { font-size: 15pt; margin: 0 0 2mm; }
h2 { font-size: 11pt; margin: 3mm 0 1mm; }
p, ul, ol { margin: 1mm 0; }
ul, ol { padding-left: 5mm; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.6mm 2mm 0.6mm 0; border-bottom: 0.2mm solid #999; }
th { font-weight: 600; width: 38mm; }
code { font: 8.5pt ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; overflow-wrap: anywhere; }
.result { border: 0.6mm solid #000; padding: 2mm 3mm; margin: 2mm 0; font-size: 12pt; font-weight: 700; }
.findings li { font-size: 8.5pt; overflow-wrap: anywhere; }
.signature { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: 6mm; margin-top: 10mm; }
.signature p { border-top: 0.3mm solid #000; padding-top: 1mm; font-size: 8.5pt; }
""".strip()


def render_sheet(verification: Verification, checked_at: str | None, language: str, *, strict: bool) -> str:
    """Return the sheet as one HTML file without anything outside itself; it prints on one A4 page.

    `checked_at` is a time in words, or None where none may stand. Raises FindingsError for an untranslated language.
    """
    texts = load_texts(language)
    ranked = rank_findings(verification.findings)
    return (
        _make_environment()
        .get_template("sheet.html.jinja")
        .render(
            t=texts.say,
            language=language,
            language_name=LANGUAGE_NAMES.get(language, language),
            v=verification,
            passed=verification.judge(strict=strict),
            warnings=sum(finding.severity == "warning" for finding in ranked),
            checked_at=checked_at,
            findings=[_shorten(finding) for finding in ranked[:_SHOWN_FINDINGS]],
            more_findings=max(0, len(ranked) - _SHOWN_FINDINGS),
            megabytes=texts.megabytes(verification.read_bytes),
            command=_write_command(verification, strict=strict),
            style=STYLE,
            policy=f"default-src 'none'; style-src {hash_source(STYLE)}",
        )
    )


def _shorten(finding: Finding) -> str:
    text = f"{finding.severity}: {finding.where}: {finding.what}"
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"{shown} [{finding.code}]"


def _write_command(verification: Verification, *, strict: bool) -> str:
    words: Sequence[str] = ("webipred-build", "verify", verification.where, "--digest", verification.sums_sha256)
    return shlex.join([*words, "--strict"] if strict else words)


@cache
def _make_environment() -> Environment:
    return Environment(
        loader=FunctionLoader(read_page),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
