"""The whole catalog: site, policy and entries."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from webipred.catalog.entry import CatalogEntry, Spdx
from webipred.catalog.node import Language, LocalText, Node, Text, describe_repeated_id, raise_problems


class SiteSpec(Node):
    """What the site says about itself."""

    title: LocalText
    """Name of the site."""
    operator: Text
    """Who runs the site: the hospital or group that users may ask."""
    contact: Text | None = None
    """Mail address or page of the operator, shown as text."""
    languages: Annotated[list[Language], Field(min_length=1)] = ["en", "de"]
    """Languages of the site, the first is the default; en and de are translated."""
    notice: Literal["research-use"] = "research-use"
    """Notice shown on every page."""
    clear_after_idle_minutes: Annotated[int, Field(ge=1, le=480)] = 15
    """After so many minutes without a key or pointer, the workspace clears images and results."""


class LicensePolicy(Node):
    """Which licences of weights may be published."""

    allow: Annotated[list[Spdx], Field(min_length=1)]
    """SPDX identifiers."""

    @model_validator(mode="after")
    def check_allow(self) -> "LicensePolicy":
        if "unknown" in self.allow:
            raise_problems([("allow", "'unknown' is no licence; nothing may be published under it")])
        return self


class Policy(Node):
    """Limits that every published model must keep."""

    licenses: LicensePolicy
    """Licences."""
    max_model_mb: Annotated[float, Field(gt=0, le=4000)] = 200
    """Largest size of a model's weights in the site, in 10⁶ bytes."""
    max_float16_change: Annotated[float, Field(gt=0, le=0.05)] = 0.005
    """Largest change of a probability by `storage: float16` that is published; a change of label never is."""


class Catalog(Node):
    """A curated list of models and the rules they are published under."""

    catalog_version: Literal[1]
    """Version of this format."""
    site: SiteSpec
    """Title, operator and languages of the site."""
    policy: Policy
    """Limits for published models."""
    models: Annotated[list[CatalogEntry], Field(min_length=1)]
    """The entries."""

    @model_validator(mode="after")
    def check_ids(self) -> "Catalog":
        ids = [entry.id for entry in self.models]
        repeated = [index for index, entry_id in enumerate(ids) if entry_id in ids[:index]]
        raise_problems((f"models[{index}].id", describe_repeated_id(ids[index])) for index in repeated)
        return self
