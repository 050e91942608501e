"""Whole sites as the builder assembles them, service worker and server configurations included."""

from browser.sites import COLOUR_ENTRY, make_bundle
from webipred.catalog.catalog import Catalog
from webipred.site.assembly import Site, assemble_site
from webipred.site.notices import Notice


def assemble_colour_site(changes: dict[str, object] | None = None, **site: object) -> Site:
    """Return the site of the colour model; `changes` replace fields of its entry, `site` those of the site."""
    entry = {**COLOUR_ENTRY, **(changes or {})}
    catalog = Catalog.model_validate(
        {
            "catalog_version": 1,
            "site": {"title": "Image classifiers", "operator": "Test", **site},
            "policy": {"licenses": {"allow": ["CC0-1.0"]}},
            "models": [entry],
        }
    )
    notices = (Notice(path="licenses/webipred.txt", title="webipred", text=b"A licence.\n"),)
    return assemble_site(catalog, [make_bundle(changes)], [], notices=notices)
