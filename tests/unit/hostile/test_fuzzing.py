"""Fuzzing of the project's own readers: whatever the bytes, only FindingsError comes out, within time and memory.

Mutated right files reach deeper than random bytes; both are drawn. Other fuzzing of the same readers stands beside
their unit tests (see docs/hostile-inputs.md).
"""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversions import convert_here, make_target
from hostile_files import (
    add,
    make_graph_def,
    make_h5,
    make_keras,
    make_onnx,
    make_pickle,
    make_saved_model,
    make_tflite,
)
from webipred.catalog.yaml_tree import parse_yaml
from webipred.convert.guards.pickles import check_pickle
from webipred.convert.guards.recognition import check_content
from webipred.convert.guards.saved_model import check_saved_model
from webipred.convert.guards.tflite import check_tflite
from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError
from webipred.sources.unpacking import UnpackLimits, read_members

PEAK_BYTES = 64 << 20  # of Python's own memory; the files have a few kilobytes
LIMITS = ConversionLimits(unpacked_bytes=4 << 20, json_bytes=1 << 16)
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
Read = Callable[[bytes], object]


def read_file(data: bytes, read: Callable[[Path], object]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "archive")
        path.write_bytes(data)
        read(path)


def convert_as(file_format: str) -> Read:
    def read(data: bytes) -> None:
        target = make_target(file_format, limits=LIMITS)
        read_file(data, lambda path: (check_content(path, file_format, "here"), convert_here(path, target)))

    return read


SMALL = UnpackLimits(max_total_bytes=1 << 20)
CATALOG = b"catalog_version: 1\nsite: {title: Test, languages: [en]}\nmodels:\n  - id: a\n    name: 'x'\n"
READERS: dict[str, tuple[bytes, Read]] = {
    "zip": (
        add(),
        lambda data: read_file(data, lambda path: read_members(path, UnpackLimits(max_total_bytes=1 << 20))),
    ),
    "tfjs": (add(), convert_as("tfjs-layers")),
    "hdf5": (make_h5(id), convert_as("keras-h5")),
    "keras": (make_keras(id), convert_as("keras-v3")),
    "onnx": (make_onnx(), convert_as("onnx")),
    "yaml": (CATALOG, lambda data: parse_yaml(data, "catalog.yaml")),
    "pickle": (make_pickle(Path("mark"), 4), lambda data: check_pickle(data, "here")),
    "saved-model": (
        make_saved_model(make_graph_def("Placeholder", "Relu", texts=[make_graph_def("Relu")])),
        lambda data: check_saved_model(data, "here"),
    ),
    "tflite": (make_tflite(custom=b"FlexOp"), lambda data: check_tflite(data, "here")),
}

edits = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.sampled_from(["set", "insert", "cut", "double"]), st.binary(max_size=8)),
    min_size=1,
    max_size=6,
)


def edit(data: bytes, changes: list[tuple[int, str, bytes]]) -> bytes:
    for position, kind, piece in changes:
        at = position % (len(data) + 1)
        if kind == "set":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "cut":
            data = data[:at] + data[at + len(piece) :]
        else:
            data = data[:at] + data[max(0, at - 64) :]
    return data


def refuse_or_pass(read: Read, data: bytes) -> None:
    """Run a reader; anything but a FindingsError, or more memory than the limit, fails the test."""
    tracemalloc.start()
    try:
        read(data)
    except FindingsError as error:
        assert all(str(finding).isprintable() for finding in error.findings)  # noqa: PT017  either outcome is right
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < PEAK_BYTES


@pytest.mark.parametrize("name", READERS)
@QUICK
@given(changes=edits)
def test_a_changed_file_is_read_or_refused(name: str, changes: list[tuple[int, str, bytes]]) -> None:
    original, read = READERS[name]
    refuse_or_pass(read, edit(original, changes))


@pytest.mark.parametrize("name", READERS)
@QUICK
@given(data=st.binary(max_size=256))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    original, read = READERS[name]
    refuse_or_pass(read, original[:8] + data)
    refuse_or_pass(read, data)
