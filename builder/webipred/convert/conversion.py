"""Conversion: SourceArchive → OnnxModel. The file is opened in a process of its own; only the result is read here."""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from webipred.catalog.entry import CatalogEntry
from webipred.convert.framework_route import ENVIRONMENTS, find_route, widen_limits
from webipred.convert.framework_route import WORKER as FRAMEWORK_WORKER
from webipred.convert.jail.command import build_command
from webipred.convert.jail.record import UNJAILED, JailRecord, parse_record
from webipred.convert.json_text import parse_json
from webipred.convert.limits import ConversionLimits
from webipred.convert.model import OnnxModel
from webipred.convert.network_check import check_network
from webipred.convert.process import refuse_ending, run_process
from webipred.convert.target import ConversionTarget
from webipred.convert.worker import ARCHIVE, CONVERTERS, NETWORK, REQUEST, RESULT
from webipred.digests import CHUNK_BYTES
from webipred.environments.environment import Environment
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding
from webipred.sources.archive import SourceArchive

__all__ = ["ConversionLimits", "convert_archive"]

DEFAULT_LIMITS: Final = ConversionLimits()
RESULT_BYTES: Final = 1 << 20
WORKER: Final = "webipred.convert.worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the converter process handed over, not yet believed."""

    network: bytes
    converter: str
    peak_bytes: int
    jail: JailRecord = UNJAILED


def convert_archive(
    archive: SourceArchive,
    entry: CatalogEntry,
    limits: ConversionLimits = DEFAULT_LIMITS,
    *,
    jailed: bool = True,
    cache_dir: Path | None = None,
) -> OnnxModel:
    """Return the checked network of an archive; `jailed=False` converts with limits alone and says so in the model.

    Raises FindingsError: E-CONVERT-…, E-JAIL-…, E-FORMAT-…, E-JSON-…, E-HDF5-…, E-ZIP-…; nothing is left behind in any
    case.
    """
    target = describe_target(entry, archive.file, limits)
    environment = find_route(entry.format, cache_dir, target.where)
    if environment is not None:
        return convert_by_framework(archive, target, environment, jailed=jailed)
    if entry.format not in CONVERTERS:
        known = ", ".join((*CONVERTERS, *ENVIRONMENTS))
        what = f"format {entry.format!r} is not converted yet, only {known}."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Publish the model in one of these formats.")
    outcome = run_converter(archive, target, jailed=jailed)
    return dataclasses.replace(check_network(outcome.network, target, outcome.converter), jail=outcome.jail)


def convert_by_framework(
    archive: SourceArchive, target: ConversionTarget, environment: Environment, *, jailed: bool = True
) -> OnnxModel:
    """Let a framework write ONNX, then convert that like any foreign ONNX file, in a second process."""
    wide = dataclasses.replace(target, limits=widen_limits(target.limits))
    first = run_converter(archive, wide, jailed=jailed, environment=environment)
    with _work_folder() as folder:
        path = folder / "exported.onnx"
        path.write_bytes(first.network)
        exported = dataclasses.replace(
            archive, path=path, size_bytes=len(first.network), sha256=sha256(first.network).hexdigest()
        )
        second = run_converter(exported, dataclasses.replace(target, format="onnx"), jailed=jailed)
    name = f"{first.converter} {second.converter}"
    return dataclasses.replace(check_network(second.network, target, name), jail=second.jail)


def describe_target(entry: CatalogEntry, file: str, limits: ConversionLimits) -> ConversionTarget:
    """Return what a converter must know about an entry."""
    return ConversionTarget(
        entry_id=entry.id,
        file=file,
        format=entry.format,
        height=entry.input.height,
        width=entry.input.width,
        channels=3 if entry.input.channels == "rgb" else 1,
        classes=len(entry.classes),
        activation=entry.output.activation,
        limits=limits,
        output_name=entry.output.name,
    )


def run_converter(
    archive: SourceArchive, target: ConversionTarget, *, jailed: bool = True, environment: Environment | None = None
) -> Outcome:
    """Run the converter process on a copy of the archive. Raises FindingsError for its findings and its failures."""
    with _work_folder() as folder:
        copy_verified(archive, folder / ARCHIVE, target.where)
        (folder / REQUEST).write_text(target.to_json(), encoding="utf-8")
        command = _build_command(target, environment, jailed=jailed)
        ending = run_process(command, folder, target.limits)
        record, printed = parse_record(ending.printed)
        refusal = refuse_jail(record, target.where, jailed=jailed) or refuse_ending(
            dataclasses.replace(ending, printed=printed), target.where, target.limits
        )
        if refusal is not None:
            raise refusal
        if record is None:  # whoever wrote the result did not come through the entrance
            raise _refuse_result(target.where)
        return dataclasses.replace(read_outcome(folder, target), jail=record)


def _build_command(target: ConversionTarget, environment: Environment | None, *, jailed: bool) -> list[str]:
    if environment is None:
        return build_command(WORKER, target.limits, jailed=jailed)
    return build_command(
        FRAMEWORK_WORKER,
        target.limits,
        jailed=jailed,
        python=str(environment.python),
        paths=[str(environment.packages)],
        readable=[str(environment.folder)],
    )


def refuse_jail(record: JailRecord | None, where: str, *, jailed: bool) -> FindingsError | None:
    """Return the refusal of a process that has no jail although one was asked for; None if it did not even start."""
    if record is None or not jailed or record.isolated:
        return None
    what = f"this machine has no jail for converting a file from elsewhere ({'; '.join(record.reasons)})."
    fix = "Build on Linux 5.13 or newer. Or give --no-jail, if you trust every model; the report will say so."
    return refuse("E-JAIL-UNAVAILABLE", where, what, fix)


def copy_verified(archive: SourceArchive, copy: Path, where: str) -> None:
    """Copy the archive and hash the very bytes that are copied. Raises FindingsError if they changed."""
    digest = sha256()
    with archive.path.open("rb") as source, copy.open("xb") as stream:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            stream.write(chunk)
    if digest.hexdigest() != archive.sha256:
        what = f"the file changed on disk: sha256 {digest.hexdigest()}, verified before as {archive.sha256}."
        raise refuse("E-SOURCE-SHA256", where, what, "Run the command again; clear the cache if it repeats.")


def read_outcome(folder: Path, target: ConversionTarget) -> Outcome:
    """Return what a converter process left in its folder; its files are data like any other."""
    result = parse_json(
        _read_plain(folder / RESULT, RESULT_BYTES, target.where), f"{target.where} {RESULT}", RESULT_BYTES
    )
    match result:
        case {"converter": str(converter), "peak_bytes": int(peak_bytes), "findings": list(findings)}:
            refused = [_parse_finding(finding, target.where) for finding in findings]
        case _:
            raise _refuse_result(target.where)
    if refused:
        raise FindingsError(refused)
    network = _read_plain(folder / NETWORK, target.limits.output_bytes, target.where)
    return Outcome(network=network, converter=converter[:40], peak_bytes=peak_bytes)


def _parse_finding(value: object, where: str) -> Finding:
    match value:
        case {"code": str(code), "where": str(place), "what": str(what), "fix": str(fix)} if code.startswith("E-"):
            return Finding(code=code[:60], where=_plain(place), what=_plain(what), fix=_plain(fix))
    raise _refuse_result(where)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text[:2000])


def _read_plain(path: Path, max_bytes: int, where: str) -> bytes:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > max_bytes:
        raise _refuse_result(where)
    return path.read_bytes()


def _refuse_result(where: str) -> FindingsError:
    what = "the converter ended without a readable result."
    return refuse("E-CONVERT-CRASH", where, what, "Nothing of it was kept. Please report this file.")


@contextmanager
def _work_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="webipred-convert-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
