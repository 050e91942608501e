"""The golden cases of the reference, made by the real libraries, through wasmtime."""

import hashlib
import json

import numpy
import pytest

from golden_cases import NOT_APPLICABLE, VECTORS, GoldenCase, export_golden_case, list_golden_cases, make_noise
from webipred.engine.preprocessor import Preprocessor

CASES = list_golden_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_the_engine_gives_what_the_library_gave(case: GoldenCase, preprocessor: Preprocessor) -> None:
    result = preprocessor.run(case.program, case.image)
    if case.expected is None:
        digest = hashlib.sha256(result.astype(numpy.uint8).tobytes()).hexdigest()
        assert case.expected_sha256 == digest
    else:
        assert case.expected.shape == result.shape
        assert numpy.abs(case.expected.astype(float) - result).max() <= case.tolerance


def test_every_case_of_the_reference_is_run_or_excused() -> None:
    document = json.loads(VECTORS.read_text(encoding="utf-8"))
    run = {case.id.removesuffix("-pillow-12") for case in CASES} | {"clip"}
    assert [] == [raw["id"] for raw in document["cases"] if raw["id"] not in run and raw["id"] not in NOT_APPLICABLE]
    assert len(document["large_cases"]) + 1 == sum(case.id.startswith("large") for case in CASES)


def test_the_noise_is_that_of_the_reference() -> None:
    for raw in json.loads(VECTORS.read_text(encoding="utf-8"))["large_cases"][::4]:
        assert raw["input_sha256"] == hashlib.sha256(make_noise(raw["seed"], raw["shape"]).tobytes()).hexdigest()


def test_a_case_travels_to_the_browser_as_json() -> None:
    exported = json.loads(json.dumps(export_golden_case(CASES[0])))
    assert [4, 5, 1] == exported["image_shape"]
    assert [3, 3, 1] == exported["expected_shape"]
