"""webipred-build add: draft a catalog entry from what an origin says about itself."""

import re
from pathlib import Path

import click

from webipred.catalog.loading import load_catalog
from webipred.cli import options
from webipred.cli.output import ConsoleProgress, print_findings, start_logging
from webipred.drafting.contents import read_model_facts
from webipred.drafting.origins import discover
from webipred.drafting.writing import count_decisions, make_id, write_draft
from webipred.errors import FindingsError, UsageError, refuse
from webipred.sources.fetch import FetchOptions


@click.command()
@click.argument("source")
@options.CATALOG
@click.option("--id", "entry_id", envvar="WEBIPRED_ADD_ID", help="Id of the entry; made from the title when left out.")
@click.option("--file", envvar="WEBIPRED_ADD_FILE", help="Model file of the origin, where several are there.")
@click.option("--dry-run", is_flag=True, envvar="WEBIPRED_ADD_DRY_RUN", help="Print the entry and change nothing.")
@click.option(
    "--huggingface",
    default="https://huggingface.co",
    show_default=True,
    envvar="WEBIPRED_HUGGINGFACE",
    help="Base address of Hugging Face or of a mirror with the same interface.",
)
@options.OFFLINE
@options.CACHE
@options.ZENODO
def add(
    source: str,
    catalog_path: Path,
    entry_id: str | None,
    file: str | None,
    dry_run: bool,
    huggingface: str,
    offline: bool,
    cache_dir: Path,
    zenodo: str,
) -> None:
    """Append a draft of an entry for SOURCE to the catalog, with all that can be found out about it.

    SOURCE is a Zenodo DOI or record, an address, a Hugging Face repository, or a file or folder beside the catalog.
    What only a human can decide is marked with DECIDE.

    \b
    Example: webipred-build add 10.5281/zenodo.7785993
    """
    start_logging()
    loaded = load_catalog(catalog_path)
    fetch = FetchOptions(
        cache_dir=cache_dir,
        offline=offline,
        zenodo_base=zenodo,
        huggingface_base=huggingface,
        notice=lambda finding: print_findings([finding]),
    )
    found = discover(source, file, loaded.folder, fetch, ConsoleProgress())
    taken = {entry.id for entry in loaded.catalog.models}
    if entry_id in taken:
        raise UsageError(f"add: the catalog already has an entry {entry_id!r}; choose another --id.")
    name = entry_id or make_id(found.origin.title, taken)
    facts = read_model_facts(found.path, found.origin.file)
    draft = write_draft(name, found.origin, facts, found.training, find_indent(catalog_path.read_text("utf-8")))
    if dry_run:
        click.echo(draft, nl=False)
        return
    append_draft(catalog_path, draft)
    click.echo(f"added {name} as a draft to {catalog_path.name}; {count_decisions(draft)} lines marked DECIDE are open")


def find_indent(text: str) -> int:
    """Return how far the entries of a catalog are indented; the first one decides."""
    first = re.search(r"^models:[^\n]*\n(?: *#[^\n]*\n| *\n)*( *)- ", text, re.MULTILINE)
    return len(first[1]) if first else 2


def append_draft(catalog_path: Path, draft: str) -> None:
    """Append the draft if the catalog still loads with it. Raises FindingsError and leaves the catalog as it was."""
    before = catalog_path.read_bytes()
    text = before.decode("utf-8")
    part = catalog_path.with_name(f"{catalog_path.name}.part")
    part.write_text(f"{text.rstrip()}\n\n{draft}", encoding="utf-8")
    try:
        load_catalog(part)
    except FindingsError as error:
        what = f"the catalog would not load with the draft: {str(error)[:500]}"
        fix = "Use --dry-run and put the entry into `models` by hand; `models` must be the last key of the file."
        raise refuse("E-ADD-CATALOG", catalog_path.name, what, fix) from error
    else:
        part.replace(catalog_path)
    finally:
        part.unlink(missing_ok=True)
