"""Built sites that tests copy, damage and verify."""

from pathlib import Path

import bundles
from webipred.digests import hash_bytes
from webipred.site.assembly import assemble_site
from webipred.site.listing import SUMS_PATH
from webipred.site.writing import write_site


def write_small_site(folder: Path) -> Path:
    """Write the site of the small catalog to `folder`/site and return that."""
    catalog = bundles.make_catalog()
    assets = bundles.make_assets()
    site = assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), assets.__getitem__)
    write_site(site, folder / "site")
    return folder / "site"


def rewrite_sums(site: Path, *changed: str) -> None:
    """Make SHA256SUMS fit the changed files again, as somebody would who wants the change to stay unseen."""
    sums = site / SUMS_PATH
    lines = sums.read_text(encoding="utf-8").splitlines()
    paths = [line.split("  ")[1] for line in lines]
    kept = [
        f"{hash_bytes((site / path).read_bytes())}  {path}" if path in changed else line
        for path, line in zip(paths, lines, strict=True)
    ]
    sums.write_text("\n".join(kept) + "\n", encoding="utf-8")
