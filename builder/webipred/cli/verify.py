"""webipred-build verify: compare a copy of a site with what was built."""

import datetime
import re
from pathlib import Path

import click

import webipred
from webipred.cli import options
from webipred.cli.output import judge_exit, print_findings
from webipred.cli.reports import write_report
from webipred.errors import UsageError
from webipred.site.listing import GENERATOR_NAME
from webipred.site.texts import load_texts
from webipred.verify.report import render_verification_json, render_verification_text, summarise
from webipred.verify.sheet import render_sheet
from webipred.verify.verification import NO_PIN, Pin, Verification, pin_reference, verify_address, verify_folder
from webipred.verify.web import is_address

VERIFIER = f"{GENERATOR_NAME} {webipred.__version__}"
_ENDINGS = (".json", ".txt", ".html")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def judge_report_paths(context: click.Context, option: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Refuse, before any work, paths that no report can be written to; click calls this."""
    for path in paths:
        if path.suffix not in _ENDINGS:
            raise click.BadParameter(f"{path}: the ending must be one of {', '.join(_ENDINGS)}.", context, option)
        if not path.absolute().parent.is_dir():
            raise click.BadParameter(f"{path}: the folder {path.parent} does not exist.", context, option)
    return paths


@click.command()
@click.argument("target", metavar="DIR|URL")
@click.option(
    "--digest",
    metavar="SHA256",
    envvar="WEBIPRED_DIGEST",
    help="Trust root: the sha256 that SHA256SUMS must have, as `build` prints it and the builder publishes it.",
)
@click.option(
    "--reference",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    envvar="WEBIPRED_REFERENCE",
    help="Trust root: a copy of your own, whose SHA256SUMS the other must equal.",
)
@options.STRICT
@click.option(
    "--report",
    "report_paths",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    callback=judge_report_paths,
    envvar="WEBIPRED_REPORT",
    help="Also write FILE.json, FILE.txt or the printable sheet FILE.html; may be repeated.",
)
@click.option(
    "--language", default="en", show_default=True, envvar="WEBIPRED_LANGUAGE", help="Language of the sheet, en or de."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    envvar="WEBIPRED_JOBS",
    help="Files hashed or fetched at the same time.",
)
def verify(
    target: str,
    digest: str | None,
    reference: Path | None,
    strict: bool,
    report_paths: tuple[Path, ...],
    language: str,
    jobs: int,
) -> None:
    """Compare every file of a copy, in a folder or at an address, with the list made when it was built.

    Everything hangs on SHA256SUMS; pin it with --digest or --reference, or it is only compared with itself. An
    address is asked for every file, and its media types and headers are checked, too. Only GET is used.

    \b
    Example: webipred-build verify https://models.example.org/ --digest 4be1… --report sheet.html
    """
    load_texts(language)
    pin = _choose_pin(digest, reference)
    verification = (
        verify_address(target, VERIFIER, pin, jobs)
        if is_address(target)
        else verify_folder(_judge_folder(target), VERIFIER, pin, jobs)
    )
    now = datetime.datetime.now(datetime.UTC)
    click.echo("\n".join(summarise(verification, strict=strict)))
    print_findings(verification.findings)
    for path in report_paths:
        write_report(path, _render(verification, path.suffix, now, language, strict=strict))
    code = judge_exit(verification.findings, strict=strict)
    if code:
        raise click.exceptions.Exit(code)


def _choose_pin(digest: str | None, reference: Path | None) -> Pin:
    if digest is not None and reference is not None:
        raise UsageError("--digest and --reference both name the trust root; pass one of them.")
    if digest is not None:
        if not _DIGEST.fullmatch(digest.lower()):
            raise UsageError(f"--digest {digest}: a SHA-256 has 64 hexadecimal digits.")
        return Pin(kind="digest", sha256=digest.lower(), source="--digest")
    return pin_reference(reference) if reference is not None else NO_PIN


def _judge_folder(target: str) -> Path:
    folder = Path(target)
    if not folder.is_dir():
        raise UsageError(f"{target}: neither a folder nor an address that starts with http:// or https://.")
    return folder


def _render(verification: Verification, ending: str, now: datetime.datetime, language: str, *, strict: bool) -> str:
    if ending == ".json":
        return render_verification_json(verification, now.isoformat(timespec="seconds"), strict=strict)
    if ending == ".txt":
        return render_verification_text(verification, now.isoformat(timespec="seconds"), strict=strict)
    return render_sheet(verification, f"{now:%Y-%m-%d %H:%M} UTC", language, strict=strict)
