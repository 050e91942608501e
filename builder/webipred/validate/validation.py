"""Validation of one converted entry: OnnxModel → ModelBundle, or a failed report that says why not."""

from dataclasses import dataclass
from pathlib import Path

from webipred.catalog.catalog import Policy
from webipred.catalog.entry import CatalogEntry, Sample
from webipred.convert.model import OnnxModel
from webipred.digests import hash_json
from webipred.engine.preprocessor import Preprocessor
from webipred.engine.program import compile_program
from webipred.errors import FindingsError
from webipred.sources.archive import SourceArchive
from webipred.validate.activation import check_activation
from webipred.validate.bundle import GoldenVector, ModelBundle
from webipred.validate.checks import STATIC_CHECKS, Candidate, check_class_order, conclude, read_notice
from webipred.validate.goldens import Chain, read_sample, record_goldens
from webipred.validate.jail import check_jail
from webipred.validate.reference import ReferenceNetwork
from webipred.validate.report import Check, Report
from webipred.validate.runtime import EngineBuilds, RuntimeChoice, choose_runtime
from webipred.validate.storage import Stored, store_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a validation needs beside the model: the catalog's policy, its folder, and the engine's modules."""

    policy: Policy
    folder: Path
    engine_wasm: bytes
    networks: EngineBuilds


def validate_model(archive: SourceArchive, model: OnnxModel, entry: CatalogEntry, rules: Rules) -> ModelBundle | Report:
    """Run every check on a converted model.

    Returns the bundle if all passed, else the failed report with a finding for each reason.
    """
    program = compile_program(entry.preprocessing, entry.input)
    candidate = Candidate(entry=entry, model=model, program=program, policy=rules.policy, folder=rules.folder)
    checks = [*(check(candidate) for check in STATIC_CHECKS), check_jail(model.jail, entry.id)]
    goldens: tuple[GoldenVector, ...] = ()
    stored: Stored | None = None
    choice: RuntimeChoice | None = None
    if checks[0].outcome == "passed" and checks[1].outcome == "passed":
        chain = Chain(
            entry=entry,
            program=program,
            preprocessor=Preprocessor(rules.engine_wasm),
            network=ReferenceNetwork(model.data),
        )
        checks.append(check_class_order(candidate, chain))
        if checks[-1].outcome == "passed":
            samples = _read_samples(entry, rules.folder)
            goldens, check = _record(chain, samples)
            checks += [check, check_activation(chain, model.data, [golden.image for golden in goldens])]
            choice = choose_runtime(chain, model.data, goldens, rules.networks)
            images = [(f"sample {sample.file}", data) for sample, data in samples]
            stored = store_weights(chain, choice, images, model.data, rules.networks, rules.policy.max_float16_change)
            checks += [choice.check, stored.check]
    report = Report(entry_id=entry.id, version=entry.version, checks=tuple(checks))
    if report.failed or choice is None or stored is None:  # without a choice a check before it has failed
        return report
    return ModelBundle(
        entry=entry,
        model=model,
        program=program,
        preprocessing_sha256=digest_preprocessing(entry, program),
        goldens=stored.goldens,
        runtime=choice.runtime,
        weights=stored.weights,
        report=report,
        licence_text=read_notice(entry, rules.folder),
        source_file=archive.file,
        source_sha256=archive.sha256,
        source_origin=archive.origin,
    )


def digest_preprocessing(entry: CatalogEntry, program: bytes) -> str:
    """Return the digest that names how files become tensors: decoding rules and compiled program."""
    return hash_json({"input": entry.input.model_dump(mode="json"), "program": program.hex()})


def _read_samples(entry: CatalogEntry, folder: Path) -> list[tuple[Sample, bytes]]:
    return [(sample, read_sample(sample, folder, entry.id)) for sample in entry.samples]


def _record(chain: Chain, samples: list[tuple[Sample, bytes]]) -> tuple[tuple[GoldenVector, ...], Check]:
    try:
        goldens = record_goldens(chain, samples)
    except FindingsError as error:
        return (), conclude("golden-vectors", "could not be recorded", error.findings)
    return goldens, conclude("golden-vectors", f"{len(goldens)} recorded")
