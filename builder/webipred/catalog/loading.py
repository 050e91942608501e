"""Loads a catalog file: strict YAML, the schema, and the line of every field for later findings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from webipred.catalog.catalog import Catalog
from webipred.catalog.entry import CatalogEntry
from webipred.catalog.reading import find_line, read_node
from webipred.catalog.yaml_tree import MAX_BYTES, parse_yaml
from webipred.errors import refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedCatalog:
    """A valid catalog, where it came from, and the line of each dotted path (`pneumonia-cxr.source.record`)."""

    catalog: Catalog
    path: Path
    folder: Path
    lines: Mapping[str, int]

    def locate(self, entry_id: str, field: str = "") -> str:
        """Return `model_catalog.yaml:17 pneumonia-cxr.source.record` for the `where` of a finding."""
        path = f"{entry_id}.{field}" if field else entry_id
        return f"{self.path.name}:{find_line(self.lines, path, 1)} {path}"

    def find_entry(self, entry_id: str) -> CatalogEntry | None:
        """Return the entry with that id, if there is one."""
        return next((entry for entry in self.catalog.models if entry.id == entry_id), None)


def load_catalog(path: Path) -> LoadedCatalog:
    """Return the catalog in `path`; raises FindingsError with all its problems at once (E-YAML-, E-CATALOG-)."""
    catalog, lines = read_node(Catalog, parse_yaml(read_bounded(path), path.name), path.name)
    return LoadedCatalog(catalog=catalog, path=path, folder=path.resolve().parent, lines=lines)


def read_bounded(path: Path) -> bytes:
    """Return the bytes of a YAML file, one more than allowed if it is too large; raises E-CATALOG-FILE."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"the file cannot be read ({error.strerror})."
        raise refuse("E-CATALOG-FILE", str(path), what, "Give the path of an existing file.") from error
