"""ConversionTarget: what the catalog entry says about the network, as far as a converter needs it.

The converter process imports this module, so it stays free of pydantic, which would double its start-up time.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

from webipred.convert.limits import ConversionLimits

Activation = Literal["none", "softmax", "sigmoid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionTarget:
    """One file and the network that the entry expects in it; travels to the converter process as JSON.

    `file` is the name at the origin; the bytes lie beside the request under a fixed name.
    """

    entry_id: str
    file: str
    format: str
    height: int
    width: int
    channels: int
    classes: int
    activation: Activation
    limits: ConversionLimits

    @property
    def where(self) -> str:
        """Entry and file, the beginning of every finding."""
        return f"{self.entry_id} {self.file}"

    def to_json(self) -> str:
        """Return the request for the converter process."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


def parse_target(text: str) -> ConversionTarget:
    """Return the target from the request of the parent process (trusted JSON)."""
    fields = json.loads(text)
    limits = ConversionLimits(**fields.pop("limits"))
    return ConversionTarget(limits=limits, **fields)
