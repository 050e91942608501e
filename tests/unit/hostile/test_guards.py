"""Mutation check: each guard, switched off alone, changes what becomes of at least one hostile file.

A guard that could be removed without any hostile case noticing would be decoration. Every `if` that leads to a refusal
counts as one guard; they are found in the source, so that a new one without a hostile case turns this test red.
"""

import resource
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from conversions import convert_here, make_target
from guard_mutants import Mutant, list_mutants, switch_off
from hostile_files import (
    add,
    change_topology,
    list_tfjs,
    make_graph_def,
    make_h5,
    make_keras,
    make_onnx,
    make_saved_model,
    make_tflite,
    make_wide_onnx,
    pack,
)
from unit.hostile.test_archives_and_downloads import make_cases as make_archive_cases
from unit.hostile.test_models import PICKLES, SAVED, TENSOR, TFLITE, change_manifest, change_weight
from unit.hostile.test_models import make_cases as make_model_cases
from webipred.convert import hdf5_file, json_text, keras_config, onnx_guard, operators, tfjs_layers
from webipred.convert.guards import pickles, recognition, saved_model, tflite, wire
from webipred.convert.keras_layers import registry
from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError
from webipred.sources import unpacking

MODULES = (
    *(unpacking, json_text, hdf5_file, recognition, pickles, saved_model, wire, tflite, tfjs_layers, onnx_guard),
    *(keras_config, registry, operators),
)
NAMED = {
    "describe_unsafe_name": "E-ZIP-TRAVERSAL",
    "_refuse_manifest": "E-CONVERT-MANIFEST",
    "_OpcodeError": "E-PICKLE-OPCODE",
    "_OffsetError": "E-TFLITE-BROKEN",
    "_refuse_custom": "E-TFLITE-CUSTOM",
    "WireError": "E-GRAPHDEF-BROKEN",
    "refuse_custom": "E-CONVERT-LAYER",
    "_refuse": "E-FORMAT-OTHER",
}
LIMITS = ConversionLimits(unpacked_bytes=4 << 20, nodes=500, json_bytes=1 << 16, layers=50)
TOO_LARGE = ("34-million-nodes", "08-wrong-digest", "05-zeros", "38-classes", "40-large", "18-deep")
PATIENCE_S = 10.0
Outcome = tuple[str, ...]
Run = Callable[[], Outcome]


def run_file(path: Path, data: bytes, file_format: str) -> Outcome:
    """Return the codes of a conversion in this process, or what else came of it."""
    path.write_bytes(data)
    target = make_target(file_format, limits=LIMITS)

    def convert() -> None:
        recognition.check_content(path, file_format, "here")
        convert_here(path, target)

    return run_check(convert)


class OutOfPatience(BaseException):
    """A walk that a guard would have ended."""


def run_check(check: Callable[[], object]) -> Outcome:
    """Return the codes of a refusal, the name of another exception, or `passed`; endless work counts as another end."""
    try:
        with limit_time():
            check()
    except OutOfPatience:
        return ("endless",)
    except FindingsError as error:
        return tuple(f"{finding.code} {finding.what}" for finding in error.findings)
    except Exception as error:
        return (type(error).__name__,)
    return ("passed",)


@contextmanager
def limit_time() -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def interrupt(*_: object) -> None:
        raise OutOfPatience

    earlier = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def odd_dataset(kind: object) -> Callable[[h5py.File], object]:
    return lambda file: file.create_dataset("odd", (2,), kind)


def edit_onnx(**fields: object) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[1]
        for name, value in fields.items():
            if name == "dims":
                del tensor.dims[:]
                tensor.dims.extend(value)
            else:
                setattr(tensor, name, value)

    return make_onnx(change=change)


def add_function(model: onnx.ModelProto) -> None:
    model.functions.add(name="f", domain="")


def spoil_name(data: bytes) -> bytes:
    return data.replace(b"kernel", b"kern\xffl")


def list_more_files() -> dict[str, tuple[Callable[[], bytes], str]]:
    """Return small hostile files beside the numbered cases, where a condition has none there."""
    h5, tfjs, one, keras = "keras-h5", "tfjs-layers", "onnx", "keras-v3"
    scalar = numpy_helper.from_array(np.zeros(3, np.float32), "value")
    twice = helper.make_node("Relu", ["image"], ["x"])
    twice.attribute.extend([helper.make_attribute("a", 1), helper.make_attribute("a", 2)])
    graphs = helper.make_node("Relu", ["image"], ["x"], body=helper.make_graph([], "g", [], []))
    texts = helper.make_node("Relu", ["image"], ["x"], value_string="s")
    unnamed = zipfile.ZipInfo("folder/")
    return {
        "members": (lambda: add(*((f"m{number}", b"") for number in range(10_001))), tfjs),
        "folder with content": (lambda: add((unnamed, b"x")), tfjs),
        "method": (lambda: pack(list_tfjs(), zipfile.ZIP_BZIP2), tfjs),
        "empty": (lambda: pack([]), tfjs),
        "file and folder": (lambda: add(("a", b"x"), ("a/b", b"x")), tfjs),
        "5 megabytes": (lambda: pack([("x", bytes(5 << 20))]), tfjs),
        "large json": (lambda: pack([("model.json", b"-" * (1 << 17))]), tfjs),
        "deep groups": (lambda: make_h5(lambda file: file.create_group("/".join("d" * 60))), h5),
        "json twice": (lambda: pack([("model.json", b'{"a": 1, "a": 2}')]), tfjs),
        "json broken": (lambda: pack([("model.json", b"{")]), tfjs),
        "two models": (lambda: add(("b/model.json", b"{}")), tfjs),
        "no model": (lambda: pack([("x", b"")]), tfjs),
        "no topology": (lambda: pack([("model.json", b"{}")]), tfjs),
        "graph model": (lambda: pack(list_tfjs(format="graph-model")), tfjs),
        "no manifest": (lambda: pack(list_tfjs(weightsManifest={})), tfjs),
        "no weights": (lambda: change_manifest(weights=3), tfjs),
        "no paths": (lambda: change_manifest(paths=[]), tfjs),
        "shard twice": (lambda: change_manifest(paths=["group1-shard1of1.bin"] * 2), tfjs),
        "shape": (lambda: change_weight(shape=[-1]), tfjs),
        "long shape": (lambda: change_weight(shape=[3, 2, 5]), tfjs),
        "quantisation": (lambda: change_weight(quantization={"dtype": "uint4"}), tfjs),
        "scale": (lambda: change_weight(shape=[24], quantization={"dtype": "uint8", "scale": "x", "min": 0}), tfjs),
        "bool": (lambda: change_weight(shape=[24], dtype="bool"), tfjs),
        "int32": (
            lambda: change_weight(shape=[24], dtype="int32", quantization={"dtype": "uint8", "scale": 1e9, "min": 9e9}),
            tfjs,
        ),
        "types": (lambda: make_h5(odd_dataset(np.dtype([("a", "f4")]))), h5),
        "object type": (lambda: make_h5(odd_dataset(h5py.string_dtype())), h5),
        "named type": (lambda: make_h5(lambda file: file.__setitem__("t", np.dtype("f8"))), h5),
        "empty dataset": (lambda: make_h5(lambda file: file.__setitem__("e", h5py.Empty("f4"))), h5),
        "filter": (lambda: make_h5(lambda file: file.create_dataset("p", (64,), "f4", compression="lzf")), h5),
        "unwritten": (lambda: make_h5(lambda file: file.create_dataset("u", (64,), "f4")), h5),
        "unwritten pieces": (lambda: make_h5(lambda file: file.create_dataset("u", (64,), "f4", chunks=(8,))), h5),
        "numbers for names": (
            lambda: make_h5(lambda file: file["model_weights"].attrs.__setitem__("layer_names", [1, 2])),
            h5,
        ),
        "no group": (lambda: make_h5(lambda file: file.__delitem__("model_weights/pool")), h5),
        "large attribute": (lambda: make_h5(add_large_attribute), h5),
        "bad dims": (lambda: edit_onnx(dims=[-3, 2]), one),
        "few numbers": (lambda: edit_onnx(dims=[3, 20]), one),
        "many numbers": (lambda: edit_onnx(dims=[1 << 20, 1 << 10]), one),
        "element type": (lambda: edit_onnx(data_type=onnx.TensorProto.FLOAT16), one),
        "function": (lambda: make_onnx(change=add_function), one),
        "no name": (lambda: make_onnx(change=lambda model: setattr(model.graph.initializer[1], "name", "")), one),
        "broken name": (lambda: spoil_name(make_onnx()), one),
        "attribute twice": (lambda: make_onnx([twice], ending="x"), one),
        "subgraph": (lambda: make_onnx([graphs], ending="x"), one),
        "text": (lambda: make_onnx([texts], ending="x"), one),
        "wide": (lambda: make_wide_onnx(501), one),
        "constant": (lambda: make_onnx([helper.make_node("Constant", [], ["x"], value=scalar)], ending="y"), one),
        "many layers": (lambda: change_topology(lambda model: model["config"].update(layers=[{}] * 51)), tfjs),
        "other model": (lambda: change_topology(lambda model: model.update(class_name="Subclassed")), tfjs),
        "deep model": (lambda: change_topology(nest_models), tfjs),
        "unknown class": (lambda: change_topology(lambda model: rename_last(model, "Evil")), tfjs),
        "known class": (lambda: change_topology(lambda model: rename_last(model, "GRU")), tfjs),
        "custom": (lambda: change_topology(lambda model: rename_last(model, "Custom>Evil")), tfjs),
        "other operation": (lambda: make_keras(lambda config: rename_module(config, "keras.ops")), keras),
        "long name": (lambda: add(("x" * 1025, b"")), tfjs),
        "colon": (lambda: add(("a:b", b"")), tfjs),
        "deep folders": (lambda: add(("d/" * 40 + "x", b"")), tfjs),
        "long shard": (lambda: pack([list_tfjs()[0], (list_tfjs()[1][0], list_tfjs()[1][1] + b"x")]), tfjs),
        "no ends": (lambda: change_topology(lambda model: make_functional(model, [], [])), tfjs),
        "history": (
            lambda: change_topology(lambda model: make_functional(model, [HISTORY], START)),
            tfjs,
        ),
        "web page": (lambda: b"<!DOCTYPE html><title>x</title>", one),
        "broken reference": (
            lambda: change_topology(lambda model: make_functional(model, CALL, START)),
            tfjs,
        ),
    }


def add_large_attribute(file: h5py.File) -> None:
    file["model_weights"].attrs["layer_names"] = np.zeros(5000, "S1")


def nest_models(model: dict[str, object]) -> None:
    inner = dict(model)
    for number in range(12):
        inner = {"class_name": "Sequential", "config": {"name": f"m{number}", "layers": [inner]}}
    model.update(inner)


def rename_last(model: dict[str, Mapping[str, list[dict[str, object]]]], name: str) -> None:
    model["config"]["layers"][-1]["class_name"] = name


def rename_module(config: dict[str, Mapping[str, list[dict[str, object]]]], module: str) -> None:
    config["config"]["layers"][-1]["module"] = module


START: list[object] = [["input_1", 0, 0]]
CALL: list[object] = [[["input_1", "x", 0, {}]]]
HISTORY = {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [1, 2]}}], "kwargs": {}}


def make_functional(model: dict[str, object], calls: list[object], ends: list[object]) -> None:
    model.update(class_name="Functional")
    config = model["config"]
    assert isinstance(config, dict)
    config.update(input_layers=ends, output_layers=[["scores", 0, 0]])
    config["layers"][1]["inbound_nodes"] = calls


def list_runs(folder: Path) -> dict[str, Run]:
    """Return every hostile case as a function of its own."""
    runs: dict[str, Run] = {}
    for case in (*make_archive_cases(), *make_model_cases(folder)):
        if case.name not in TOO_LARGE:
            runs[case.name] = lambda case=case: run_file(folder / "file", case.make(), case.file_format)  # type: ignore[misc]
    for name, (make, kind) in list_more_files().items():
        runs[name] = lambda make=make, kind=kind: run_file(folder / "file", make(), kind)  # type: ignore[misc]
    deep = make_graph_def("Relu")
    for _ in range(40):
        deep = make_graph_def("Relu", texts=[deep])
    graphs = {
        "deep graphs": deep,
        "many nodes": make_graph_def(*["Relu"] * 100),
        "many texts": make_graph_def("Relu", texts=[b"text"] * 50),
        "no operator": b"\x0a\x03\x0a\x01n",
    }
    saved = [
        *SAVED,
        *((name, make_saved_model(graph), "") for name, graph in graphs.items()),
        ("zero", b"\x02\x00", ""),
    ]
    for name, data, _ in saved:
        runs[name] = lambda data=data: run_check(lambda: saved_model.check_saved_model(data, "here"))  # type: ignore[misc]
    for name, data, _ in PICKLES:
        runs[name] = lambda data=data: run_check(lambda: pickles.check_pickle(data, "here"))  # type: ignore[misc]
    for name, data, _ in (*TFLITE, ("many codes", make_tflite(copies=9), "")):
        runs[name] = lambda data=data: run_check(lambda: tflite.check_tflite(data, "here"))  # type: ignore[misc]
    zeros = pack([("zeros", bytes(4 << 20))], zipfile.ZIP_DEFLATED)
    runs["zeros"] = lambda: run_file(folder / "file", zeros, "tfjs-layers")
    runs["changed"] = lambda: run_check(
        lambda: unpacking.read_members(write(folder, pack(list_tfjs())), sha256="0" * 64)
    )
    runs["no pickle"] = lambda: run_check(lambda: pickles.check_torch_zip({"x": b""}, "here"))
    runs["bad pickle"] = lambda: run_check(lambda: pickles.check_torch_zip({"a/data.pkl": PICKLES[0][1]}, "here"))
    large = TENSOR[:-1] + b"0" * (1 << 16) + b"."
    runs["large pickle"] = lambda: run_check(lambda: pickles.check_pickle(large, "here"))
    runs["large saved model"] = lambda: run_check(lambda: saved_model.check_saved_model(Long(), "here"))
    runs["good saved model"] = lambda: run_check(
        lambda: saved_model.check_saved_model(make_saved_model(make_graph_def("Relu")), "here")
    )
    return runs


class Long(bytes):
    """Bytes that claim to be many."""

    def __len__(self) -> int:
        return saved_model.MAX_BYTES + 1


def write(folder: Path, data: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    with pytest.MonkeyPatch.context() as patch:  # smaller limits, smaller files
        patch.setattr(pickles, "MAX_PICKLE_BYTES", 1 << 16)
        patch.setattr(hdf5_file, "MAX_ATTRIBUTE_BYTES", 1 << 12)
        patch.setattr(saved_model, "MAX_NODES", 90)
        patch.setattr(saved_model, "MAX_TEXTS", 45)
        patch.setattr(tflite, "MAX_ITEMS", 8)
        yield list_runs(tmp_path_factory.mktemp("guards"))


@pytest.fixture(scope="module")
def outcomes(runs: dict[str, Run]) -> dict[str, Outcome]:
    """What becomes of every case while all guards are on."""
    return {name: run() for name, run in runs.items()}


@pytest.fixture(autouse=True)
def _memory() -> Iterator[None]:
    """A guard that is off may let a bomb through: it must not take the machine along."""
    if sys.platform != "linux":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


MUTANTS = [mutant for module in MODULES for mutant in list_mutants(module, NAMED)]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_guard_that_is_off_is_noticed(mutant: Mutant, runs: dict[str, Run], outcomes: dict[str, Outcome]) -> None:
    suspects = [name for name, found in outcomes.items() if any(item.startswith(f"{mutant.code} ") for item in found)]
    with switch_off(mutant):
        assert any(runs[name]() != outcomes[name] for name in suspects), f"no case needs: if {mutant.condition}"


def test_every_case_is_refused_while_the_guards_are_on(outcomes: dict[str, Outcome]) -> None:
    passed = {name for name, found in outcomes.items() if not any(item.startswith("E-") for item in found)}
    assert {"good saved model"} == passed


def test_there_are_as_many_guards_as_expected_at_least() -> None:
    assert len(MUTANTS) >= 70
