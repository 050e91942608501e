"""webipred-build bundle: pack a built site with all that an intranet without internet needs."""

from pathlib import Path

import click

from webipred.cli.output import print_findings
from webipred.cli.verify import VERIFIER
from webipred.delivery.archive import ENDINGS, write_archive
from webipred.delivery.package import package_site
from webipred.digests import hash_file
from webipred.verify.verification import NO_PIN, verify_folder


def judge_archive_path(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """Refuse, before any work, a path that no archive can be written to; click calls this."""
    if path.suffix not in ENDINGS:
        raise click.BadParameter(f"{path}: the ending must be one of {', '.join(ENDINGS)}.", context, option)
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"{path}: the folder {path.parent} does not exist; make it first.", context, option)
    return path


@click.command()
@click.option(
    "--site",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path("dist"),
    show_default=True,
    envvar="WEBIPRED_SITE",
    help="Folder of the built site.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=judge_archive_path,
    required=True,
    envvar="WEBIPRED_BUNDLE",
    help="Archive to write, FILE.zip or FILE.tar.",
)
def bundle(site: Path, out: Path) -> None:
    """Pack a built site, its server configurations, reports and instructions into one archive.

    The site is verified first. The same site gives the same bytes, whoever packs it and whenever.

    \b
    Example: webipred-build bundle --site dist --out webipred.zip
    """
    verification = verify_folder(site, VERIFIER, NO_PIN)
    print_findings(finding for finding in verification.findings if finding.code != "W-VERIFY-UNPINNED")
    write_archive(out, package_site(site, verification))
    click.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, build {verification.build_id}, sha256 {hash_file(out)}")
    click.echo(f"SHA256SUMS of the site has the sha256 {verification.sums_sha256}; hand it over by another way")
