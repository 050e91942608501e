"""What a Zenodo record's own metrics file says about the order of the classes.

The records of the original WebIPred hold metrics as `{"recall": [{"name": <class>, "series": […]}, …], …}`, one item
per class. It is the best evidence for the order of the outputs beside labelled samples; a disagreement is a warning,
because only the samples prove it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from webipred.catalog.entry import CatalogEntry
from webipred.errors import NetworkError
from webipred.findings import Finding
from webipred.sources.connection import MAX_JSON_BYTES, Connection
from webipred.sources.zenodo import ZenodoFile, ZenodoRecord

_METRICS_NAME: Final = re.compile(r".*metric.*\.json", re.IGNORECASE)
_SCORES: Final = ("recall", "precision", "f1", "auc")


def compare_class_order(connection: Connection, record: ZenodoRecord, entry: CatalogEntry) -> Iterator[Finding]:
    """Yield a warning for every metrics file of the record whose classes are not the entry's, in the same order."""
    for file in record.files:
        if _METRICS_NAME.fullmatch(file.key) and (file.size_bytes or 0) <= MAX_JSON_BYTES:
            yield from _compare_file(connection, record, file, entry)


def read_class_names(metrics: object) -> list[str]:
    """Return the class names of a metrics file in its order, none if it has another form."""
    for score in _SCORES:
        items = metrics.get(score) if isinstance(metrics, Mapping) else None
        listed = items if isinstance(items, list) else []
        names = [item.get("name") if isinstance(item, Mapping) else None for item in listed]
        if names and all(isinstance(name, str | int) for name in names):
            return [str(name) for name in names]
    return []


def _compare_file(
    connection: Connection, record: ZenodoRecord, file: ZenodoFile, entry: CatalogEntry
) -> Iterator[Finding]:
    where = f"{entry.id}.classes"
    try:
        _, metrics = connection.read_json(file.url)
    except NetworkError as error:
        what = f"the metrics file {file.key!r} of record {record.record} could not be read ({error.finding.what})"
        yield Finding(code="N-ZENODO-METRICS", where=where, what=what, fix="Compare the class order with it yourself.")
        return
    stated = read_class_names(metrics)
    ids = [model_class.id for model_class in entry.classes]
    if not stated or stated == ids:
        return
    kind = "in another order" if sorted(stated) == sorted(ids) else "with other names"
    what = (
        f"the metrics file {file.key!r} of record {record.record} lists the classes {kind}: "
        f"{', '.join(stated)[:400]}; the catalog says {', '.join(ids)[:400]}."
    )
    fix = "Prove the order with a labelled sample of every class before you publish it."
    yield Finding(code="W-ZENODO-CLASS-ORDER", where=where, what=what, fix=fix)
