"""The result of a run as data: what `--json` writes, and what the table is printed from."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from webipred.bench.subjects import Origin

REPORT_VERSION: Literal[1] = 1


class ReportNode(BaseModel):
    """Base of every node of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class MachineRecord(ReportNode):
    """On what was measured."""

    processor: str
    """Name, family, model and vector units."""
    processors: int
    """Processor threads."""
    system: str
    """System and architecture."""
    browser: str
    """Name and version."""
    native: str
    """Name and version of native onnxruntime."""
    load_before: float | None
    """Processes that wanted to run in the minute before, on average."""
    load_after: float | None
    """The same in the last minute of the run; the contestants themselves are among them."""


class SizeRecord(ReportNode):
    """What a visitor downloads for a runtime, beside the model and the preprocessing that all share."""

    name: str
    """Contestant, with its threads if that changes the files."""
    raw: int
    """Bytes."""
    gzip: int
    """Bytes, level 9."""
    brotli: int | None
    """Bytes; null where the Python package brotli is not installed."""


class RatioRecord(ReportNode):
    """Steady times divided by those of others; null where the other did not run."""

    to_native: float | None
    """By native onnxruntime with the same threads."""
    to_web: float | None
    """By onnxruntime-web with the same threads."""
    to_one: float | None
    """By the same runtime with one thread; null for one thread."""


class ContestantRecord(ReportNode):
    """One runtime on one network. Times are in ms; only ratios mean anything on another machine."""

    name: str
    """native, onnxruntime-web, or a variant of this engine."""
    threads: int
    """Threads that it used."""
    ready_ms: float
    """From module and weights in memory until the first image can be run: median of the cold starts."""
    first_ms: float
    """The first image after that: median of the cold starts."""
    steady_ms: float
    """Median over the rounds."""
    p90_ms: float
    """Nine in ten runs took at most this."""
    rounds_ms: Annotated[list[float], Field(min_length=1)]
    """The median of each round."""
    best_ms: float
    """The fastest round: what other programs disturb least."""
    ratios: RatioRecord
    """Median over the rounds of the ratio within the round."""
    best_ratios: RatioRecord
    """Ratios of the fastest rounds."""
    ready_ratio_to_web: float | None
    """ready_ms / that of onnxruntime-web with the same threads."""
    start_ratio_to_web: float | None
    """ready_ms and first_ms together / the same of onnxruntime-web: browsers may compile in either."""
    difference: float | None
    """Largest absolute difference of a probability from native onnxruntime's; null if there is none to compare with,
    or if the answer has other classes or no numbers."""


class SubjectRecord(ReportNode):
    """One network and everyone who ran it."""

    name: str
    """Architecture or entry id."""
    origin: Origin
    """A reference architecture with made-up weights, or a model of the catalog."""
    shape: list[int]
    """Input: batch, height, width, channels."""
    model_bytes: int
    """Size of the ONNX file."""
    plan_bytes: int | None
    """Size of the plan; null where the engine cannot run the network."""
    obstacle: str
    """Why there is no plan, or empty."""
    contestants: Annotated[list[ContestantRecord], Field(min_length=1)]
    """In the order of the tables."""


class MeanRecord(ReportNode):
    """Geometric means of one contestant over networks of one origin."""

    name: str
    """Contestant."""
    threads: int
    """Threads."""
    origin: Origin
    """Which networks."""
    ratios: RatioRecord
    """Means of the networks' ratios; null if one of them is missing."""
    best_ratios: RatioRecord
    """The same of the fastest rounds."""


class BenchReport(ReportNode):
    """One run of `webipred-build bench`."""

    report_version: Literal[1]
    """Version of this form."""
    generator: str
    """webipred and its version."""
    machine: MachineRecord
    """On what was measured."""
    rounds: int
    """Rounds, each with a turn of every contestant."""
    cold: int
    """Cold starts of each contestant."""
    sizes: list[SizeRecord]
    """Downloads."""
    subjects: Annotated[list[SubjectRecord], Field(min_length=1)]
    """Networks."""
    means: list[MeanRecord]
    """Geometric means."""
    remarks: list[str]
    """What was left out, and why."""
