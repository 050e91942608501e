"""ConversionTarget: what the catalog entry says about the network, as far as a converter needs it.

The converter process imports this module, so it stays free of pydantic, which would double its start-up time.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from webipred.convert.json_text import JsonValue
from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError, refuse

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
    output_name: str | None = None

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


def expect_input(shape: Sequence[JsonValue] | Sequence[int | None], target: ConversionTarget) -> FindingsError | None:
    """Return the refusal of an input whose fixed sides differ from the entry's, or None."""
    wanted = (target.height, target.width, target.channels)
    if len(shape) == len(wanted) and all(side in (None, want) for side, want in zip(shape, wanted, strict=True)):
        return None
    shown = " × ".join("any" if side is None else str(side)[:20] for side in shape)
    return refuse(
        "E-CONVERT-INPUT",
        target.where,
        f"the network takes {shown} (height × width × channels), "
        f"the entry's input is {target.height} × {target.width} × {target.channels}.",
        "Correct input.width, input.height and input.channels of the entry, or choose another file.",
    )
