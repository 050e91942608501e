"""ProofReport: the JSON report of a run of `make prove`, as far as the privacy page shows it (docs/proof.md)."""

import json
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from webipred.errors import refuse

PROOF_PATH: Final = "privacy/proof.json"
_LONGEST: Final = 5_000_000

State = Literal["passed", "failed", "not run"]


class ProofNode(BaseModel):
    """Base of every node; what a report holds beyond these fields is carried along and not shown."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class ProofCheck(ProofNode):
    """One statement and whether it held."""

    name: str
    state: State
    detail: str


class ProofTier(ProofNode):
    """One part of the proof."""

    id: str
    title: str
    state: State
    checks: list[ProofCheck]

    @property
    def passed_checks(self) -> int:
        """How many statements held."""
        return sum(check.state == "passed" for check in self.checks)


class ProofReport(ProofNode):
    """One run about one build."""

    format_version: Literal[1]
    outcome: Literal["passed", "failed", "incomplete"]
    scope: str
    build_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    manifest_sha256: str
    created: str
    system: dict[str, str]
    tiers: list[ProofTier]

    def render(self) -> bytes:
        """Return the whole report as JSON with sorted keys."""
        record: JsonValue = self.model_dump(mode="json")
        return (json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_proof(path: Path) -> ProofReport:
    """Return the report in `path`; raises FindingsError E-PROOF-READ when it is none."""
    fix = "Name the JSON report that `make prove` wrote, or build without --proof-report."
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refuse("E-PROOF-READ", str(path), f"cannot be read ({error.strerror}).", fix) from error
    if len(data) > _LONGEST:
        raise refuse("E-PROOF-READ", str(path), f"has {len(data):,} bytes, more than any report.", fix)
    try:
        return ProofReport.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise refuse("E-PROOF-READ", str(path), f"is no proof report: {field}: {first['msg']}.", fix) from error
