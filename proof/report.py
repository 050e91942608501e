"""The report: what was run, what was seen, and what could not be run. Its JSON is documented in docs/proof.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FORMAT_VERSION = 1

State = Literal["passed", "failed", "not run"]
JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One statement that held or did not; `detail` gives the figures behind it."""

    name: str
    state: State
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows behind a tier's checks, for who wants to look closer."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One part of the proof."""

    id: str
    title: str
    checks: tuple[Check, ...]
    seconds: float
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    """What was observed besides, and what this run cannot show."""

    @property
    def state(self) -> State:
        """Failed if any check failed; not run if any could not run; passed only if all passed."""
        states = {check.state for check in self.checks}
        if "failed" in states:
            return "failed"
        return "passed" if states == {"passed"} else "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run of the proof says about one built site."""

    build_id: str
    manifest_sha256: str
    created: str
    """UTC, ISO 8601."""
    system: tuple[tuple[str, str], ...]
    """Name and version of kernel and browsers."""
    scope: str
    """full or cheap."""
    tiers: tuple[Tier, ...]

    @property
    def outcome(self) -> Literal["passed", "failed", "incomplete"]:
        """Passed only if every tier of the full proof ran and passed."""
        states = {tier.state for tier in self.tiers}
        if "failed" in states:
            return "failed"
        return "passed" if states == {"passed"} and self.scope == "full" else "incomplete"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the JSON model of docs/proof.md."""
        return {
            "format_version": FORMAT_VERSION,
            "outcome": self.outcome,
            "scope": self.scope,
            "build_id": self.build_id,
            "manifest_sha256": self.manifest_sha256,
            "created": self.created,
            "system": dict(self.system),
            "tiers": [_write_tier(tier) for tier in self.tiers],
        }


def judge(name: str, held: bool, detail: str) -> Check:
    """Return the check as passed or failed."""
    return Check(name=name, state="passed" if held else "failed", detail=detail)


def skip(name: str, reason: str) -> Check:
    """Return a check that could not run; a report with one has not passed."""
    return Check(name=name, state="not run", detail=f"not run: {reason}")


def _write_tier(tier: Tier) -> JsonValue:
    return {
        "id": tier.id,
        "title": tier.title,
        "state": tier.state,
        "seconds": round(tier.seconds, 1),
        "checks": [{"name": check.name, "state": check.state, "detail": check.detail} for check in tier.checks],
        "tables": [
            {"title": table.title, "columns": list(table.columns), "rows": [list(row) for row in table.rows]}
            for table in tier.tables
        ],
        "notes": list(tier.notes),
    }
