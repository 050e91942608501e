"""What the tests of sources share: one archive, entries that differ in `source`, and a clock that does not wait."""

from webipred.catalog.entry import CatalogEntry

ARCHIVE = bytes(range(256)) * 1000
NAME = "257299_model_converted.zip"
RECORD = 7785993
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Patience:
    """Counts the seconds somebody would have waited, and is the clock as well."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def now(self) -> float:
        return 1_700_000_000.0 + sum(self.waits)


def make_entry(source: dict[str, object], weights_license: str = "CC-BY-4.0") -> CatalogEntry:
    return CatalogEntry.model_validate(
        {
            "id": "pneumonia-cxr",
            "version": "1.0.0",
            "status": "draft",
            "status_reason": "a test",
            "name": "Pneumonia",
            "summary": "A test entry.",
            "task": "classification",
            "discipline": "Radiology",
            "modality": ["DX"],
            "body_part": "chest",
            "source": source,
            "format": "tfjs-layers",
            "input": {"width": 224, "height": 224},
            "preprocessing": [{"op": "resize"}],
            "classes": [{"id": "NORMAL"}, {"id": "PNEUMONIA"}],
            "license": {"weights": weights_license},
        }
    )


def zenodo_entry(record: int = RECORD, file: str = "*_model_converted.zip") -> CatalogEntry:
    return make_entry({"type": "zenodo", "record": record, "file": file})
