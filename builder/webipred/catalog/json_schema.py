"""The JSON Schema of the catalog, generated from the node types; editors check and complete with it."""

import json
from typing import Final

from webipred.catalog.catalog import Catalog

SCHEMA_ID: Final = "urn:webipred:catalog:1"


def render_schema() -> str:
    """Return the schema as JSON text with a newline at its end: what schema.json beside this module holds."""
    schema = Catalog.model_json_schema(by_alias=True, mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
    return json.dumps({**head, **schema}, indent=1, ensure_ascii=False) + "\n"
