"""Builder cases 14 to 45: hostile models; docs/hostile-inputs.md names the tests that stand elsewhere."""

import lzma
from collections.abc import Callable
from pathlib import Path

import h5py
import onnx
import pytest
from onnx import helper
from pydantic import JsonValue

from conversions import convert_here, make_target
from hostile_builds import CANARY, GOOD, HostileBuild, HostileCase, build_hostile
from hostile_files import (
    add,
    append_layer,
    describe_tfjs,
    enlarge,
    fill,
    keep_outside,
    list_tfjs,
    loop,
    make_deep_onnx,
    make_function,
    make_graph_def,
    make_h5,
    make_joblib,
    make_keras,
    make_lambda,
    make_objects,
    make_onnx,
    make_pickle,
    make_saved_model,
    make_tflite,
    make_torch_zip,
    make_wide_onnx,
    name_function,
    name_module,
    pack,
    register,
    set_link,
    steal_by_storage,
    steal_by_view,
    widen,
)
from webipred.convert.guards.pickles import check_pickle, check_torch_zip
from webipred.convert.guards.saved_model import MAX_BYTES, check_saved_model
from webipred.convert.guards.tflite import check_tflite
from webipred.errors import FindingsError

H5, KERAS, TFJS, ONNX = "keras-h5", "keras-v3", "tfjs-layers", "onnx"
UNSAFE = "enable_unsafe_deserialization"
FAR = "model_weights/far"
MANIFEST = describe_tfjs()["weightsManifest"]


def change_manifest(**changes: object) -> bytes:
    return pack(list_tfjs(weightsManifest=[{**MANIFEST[0], **changes}]))


def change_weight(**changes: object) -> bytes:
    first, *others = MANIFEST[0]["weights"]
    return change_manifest(weights=[{**first, **changes}, *others])


def make_round(file: h5py.File) -> None:
    for number in range(8):
        file[f"again{number}"] = file["/"]


def make_deep(file: h5py.File) -> None:
    group = file
    for _ in range(10_000):
        group = group.create_group("d")


def declare_much(file: h5py.File) -> None:
    file.create_dataset("bomb", (10_000_000_000,), "f4", chunks=(1024,))


def set_versions(opset: int, ir_version: int) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = opset
        model.ir_version = ir_version

    return make_onnx(change=change)


def spoil(model: onnx.ModelProto) -> None:
    model.graph.initializer[1].raw_data = b"\x00\x00\xc0\x7f" + model.graph.initializer[1].raw_data[4:]


def name_twice(model: onnx.ModelProto) -> None:
    model.graph.node[1].output[0] = "mean"


def make_cases(place: Path) -> list[HostileCase]:
    """Return the cases; what they would steal or write lies in `place`."""
    secret, mark = place / "home/secret", place / "PWNED"
    other = place / "other.h5"
    circle = [helper.make_node("Add", ["b", "image"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    custom = [helper.make_node("Relu", ["image"], ["x"], domain="evil")]
    endless = {"dtype": "uint8", "scale": 1e999, "min": 0}
    described, (shard, content) = list_tfjs()
    far = h5py.ExternalLink(str(other), "secret")
    deep = b"[" * 10_000 + b"]" * 10_000
    rows: list[tuple[str, Callable[[], bytes], str, str]] = [
        ("14-external-link", lambda: make_h5(set_link(FAR, far)), H5, "E-HDF5-LINK"),
        ("15-storage", lambda: make_h5(steal_by_storage("/etc/passwd")), H5, "E-HDF5-STORAGE"),
        ("15-storage-canary", lambda: make_h5(steal_by_storage(str(secret))), H5, "E-HDF5-STORAGE"),
        ("16-virtual", lambda: make_h5(steal_by_view(str(other))), H5, "E-HDF5-STORAGE"),
        ("17-forty-gigabytes", lambda: make_h5(declare_much), H5, "E-HDF5-SIZE"),
        ("18-soft-link", lambda: make_h5(set_link("loop", h5py.SoftLink("/loop"))), H5, "E-HDF5-LINK"),
        ("18-circle", lambda: make_h5(make_round), H5, "E-HDF5-LINK"),
        ("18-deep", lambda: make_h5(make_deep), H5, "E-HDF5-DEPTH"),
        ("19-lambda", lambda: append_layer(make_lambda(mark)), TFJS, "E-CONVERT-LAYER"),
        ("20-os-system", lambda: make_keras(name_module("os", "system")), KERAS, "E-CONVERT-LAYER"),
        ("20-unsafe", lambda: make_keras(name_module("keras.config", UNSAFE)), KERAS, "E-CONVERT-LAYER"),
        ("20-function", lambda: make_keras(name_function("os", "system")), KERAS, "E-CONVERT-ACTIVATION"),
        ("21-registered", lambda: make_keras(register("evil>Twice")), KERAS, "E-CONVERT-LAYER"),
        ("22-disagree", lambda: make_keras(widen), KERAS, "E-CONVERT-WEIGHTS-SHAPE"),
        ("28-pickle", lambda: make_pickle(mark), ONNX, "E-FORMAT-PICKLE"),
        ("28-old-pickle", lambda: make_pickle(mark, 0), ONNX, "E-FORMAT-PICKLE"),
        ("28-torch-zip", lambda: make_torch_zip(make_pickle(mark)), KERAS, "E-FORMAT-PICKLE"),
        ("28-7z", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(64), ONNX, "E-FORMAT-ARCHIVE"),
        ("28-xz", lambda: lzma.compress(make_pickle(mark)), ONNX, "E-FORMAT-ARCHIVE"),
        ("29-objects", lambda: make_objects(mark), ONNX, "E-FORMAT-NUMPY"),
        ("30-joblib", lambda: make_joblib(mark), ONNX, "E-FORMAT-PICKLE"),
        ("30-pkl", lambda: make_pickle(mark, 5), H5, "E-FORMAT-PICKLE"),
        ("31-external", lambda: make_onnx(change=keep_outside("../../home/secret")), ONNX, "E-CONVERT-EXTERNAL"),
        ("32-domain", lambda: make_onnx(custom, ending="x"), ONNX, "E-CONVERT-OPERATOR"),
        ("33-constant", lambda: make_onnx(fill(10**6), ending="x"), ONNX, "E-CONVERT-SIZE"),
        ("33-loop", lambda: make_onnx(loop(10**9), ending="x"), ONNX, "E-CONVERT-OPERATOR"),
        ("33-resize", lambda: make_onnx(enlarge(1e5), ending="x"), ONNX, "E-CONVERT-SIZE"),
        ("34-circle", lambda: make_onnx(circle, ending="b"), ONNX, "E-CONVERT-TOPOLOGY"),
        ("34-missing", lambda: make_onnx(ending="nowhere"), ONNX, "E-CONVERT-TOPOLOGY"),
        ("34-name-twice", lambda: make_onnx(change=name_twice), ONNX, "E-CONVERT-TOPOLOGY"),
        ("34-million-nodes", lambda: make_wide_onnx(10**6), ONNX, "E-CONVERT-SIZE"),
        ("34-deep", lambda: make_deep_onnx(1000), ONNX, "E-CONVERT-FORMAT"),
        ("35-opset-99", lambda: set_versions(99, 10), ONNX, "E-CONVERT-OPSET"),
        ("35-ir-99", lambda: set_versions(21, 99), ONNX, "E-CONVERT-OPSET"),
        ("36-nan", lambda: make_onnx(change=spoil), ONNX, "E-CONVERT-NAN"),
        ("39-path", lambda: change_manifest(paths=["../../etc/passwd"]), TFJS, "E-CONVERT-MANIFEST"),
        ("39-address", lambda: change_manifest(paths=["http://evil/x.bin"]), TFJS, "E-CONVERT-MANIFEST"),
        ("39-data-address", lambda: change_manifest(paths=["data:,x"]), TFJS, "E-CONVERT-MANIFEST"),
        ("39-missing", lambda: change_manifest(paths=["other.bin"]), TFJS, "E-CONVERT-MANIFEST"),
        ("39-short", lambda: pack([described, (shard, content[:-1])]), TFJS, "E-CONVERT-MANIFEST"),
        ("39-type", lambda: change_weight(dtype="float64"), TFJS, "E-CONVERT-MANIFEST"),
        ("39-quantised", lambda: change_weight(quantization=endless), TFJS, "E-JSON-BROKEN"),
        ("40-large", lambda: pack([("model.json", b"-" * (33 << 20))]), TFJS, "E-JSON-SIZE"),
        ("40-deep", lambda: pack([("model.json", deep)]), TFJS, "E-JSON-DEPTH"),
        ("41-tflite", lambda: make_tflite(), ONNX, "E-FORMAT-OTHER"),
        ("41-program", lambda: b"\x7fELF" + bytes(60), ONNX, "E-FORMAT-PROGRAM"),
    ]  # fmt: skip
    cases = [HostileCase(name=name, make=make, file_format=kind, code=code) for name, make, kind, code in rows]
    classes: JsonValue = [{"id": "red"}, {"id": "blue"}, {"id": "green"}]
    many = HostileCase(
        name="38-classes", make=make_onnx, file_format=ONNX, code="E-CONVERT-CLASSES", changes={"classes": classes}
    )
    return [*cases, many]


NAMES = [case.name for case in make_cases(Path("/nowhere"))]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    with h5py.File(place / "other.h5", "w") as other:
        other["secret"] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    return place


@pytest.fixture(scope="module")
def cases(place: Path) -> dict[str, HostileCase]:
    return {case.name: case for case in make_cases(place / "build")}


@pytest.fixture(scope="module")
def outcome(place: Path, cases: dict[str, HostileCase]) -> HostileBuild:
    return build_hostile(place / "build", list(cases.values()))


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, cases: dict[str, HostileCase], outcome: HostileBuild) -> None:
    assert cases[name].code in outcome.codes[cases[name].entry_id]


def test_the_rest_is_built_and_nothing_is_touched_run_or_left(outcome: HostileBuild, place: Path) -> None:
    assert ((GOOD,), (), ()) == (outcome.published, outcome.touched, outcome.leftovers)
    assert [] == list(place.rglob("PWNED"))


def test_case_15_nothing_of_a_stolen_file_is_published(outcome: HostileBuild) -> None:
    assert not [start for start in range(len(CANARY) - 15) if CANARY[start : start + 16] in outcome.site]


def refusal(check: Callable[[], object]) -> set[str]:
    with pytest.raises(FindingsError) as caught:
        check()
    return {finding.code for finding in caught.value.findings}


INNER = make_graph_def("ReadFile", "WriteFile")
SAVED = [
    ("23-write-file", make_saved_model(make_graph_def("Placeholder", "WriteFile")), "E-GRAPHDEF-OPERATOR"),
    ("24-hidden", make_saved_model(make_graph_def("Placeholder", texts=[INNER])), "E-GRAPHDEF-OPERATOR"),
    (
        "24-hidden-twice",
        make_saved_model(make_graph_def("Placeholder", texts=[make_graph_def("Const", texts=[INNER])])),
        "E-GRAPHDEF-OPERATOR",
    ),
    (
        "24-function",
        make_saved_model(make_graph_def("Placeholder") + make_function("WriteFile")),
        "E-GRAPHDEF-OPERATOR",
    ),
    ("25-save", make_saved_model(make_graph_def("SaveV2")), "E-GRAPHDEF-OPERATOR"),
    ("26-python", make_saved_model(make_graph_def("PyFunc")), "E-GRAPHDEF-OPERATOR"),
    ("26-eager-python", make_saved_model(make_graph_def("EagerPyFunc")), "E-GRAPHDEF-OPERATOR"),
    ("27-broken", b"\x12\xff\xff\xff\xff\x0f", "E-GRAPHDEF-BROKEN"),
    ("27-no-graph", b"\x08\x01", "E-GRAPHDEF-BROKEN"),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in SAVED], ids=[row[0] for row in SAVED])
def test_case_saved_model(data: bytes, code: str) -> None:
    assert {code} == refusal(lambda: check_saved_model(data, "here"))


def test_case_27_a_saved_model_beyond_the_limit_is_not_read() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return MAX_BYTES + 1

    assert {"E-GRAPHDEF-SIZE"} == refusal(lambda: check_saved_model(Long(), "here"))


def test_case_27_graphs_in_graphs_in_graphs_end() -> None:
    graph = make_graph_def("Relu")
    for _ in range(40):
        graph = make_graph_def("Relu", texts=[graph])
    assert {"E-GRAPHDEF-BROKEN"} == refusal(lambda: check_saved_model(make_saved_model(graph), "here"))


def test_an_ordinary_graph_passes() -> None:
    check_saved_model(make_saved_model(make_graph_def("Placeholder", "Conv2D", "Relu", texts=[b"label", b""])), "here")


def test_its_own_saver_passes_only_where_it_is_allowed() -> None:
    data = make_saved_model(make_graph_def("Placeholder", "SaveV2"))
    check_saved_model(data, "here", allow_saver=True)
    assert {"E-GRAPHDEF-OPERATOR"} == refusal(lambda: check_saved_model(data, "here"))


TENSOR = b"\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02K\x01s."
PICKLES = [
    ("28-resolve-name", b"\x80\x02cpkgutil\nresolve_name\nX\x09\x00\x00\x00os:system\x85R.", "E-PICKLE-GLOBAL"),
    ("28-stack-global", b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "E-PICKLE-GLOBAL"),
    ("28-from-memo", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93.", "E-PICKLE-GLOBAL"),
    ("28-computed-name", b"\x80\x04]\x8c\x06system\x93.", "E-PICKLE-OPCODE"),
    ("28-instance", b"(ios\nsystem\n.", "E-PICKLE-OPCODE"),
    ("28-extension", b"\x80\x02\x82\x01.", "E-PICKLE-OPCODE"),
    ("28-second-pickle", TENSOR + b"cos\nsystem\n.", "E-PICKLE-OPCODE"),
    ("28-cut", TENSOR[:-3], "E-PICKLE-BROKEN"),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in PICKLES], ids=[row[0] for row in PICKLES])
def test_case_pickle(data: bytes, code: str) -> None:
    assert {code} == refusal(lambda: check_pickle(data, "here"))


def test_case_28_a_torch_zip_is_read_as_opcodes_only(tmp_path: Path) -> None:
    members = {"archive/data.pkl": make_pickle(tmp_path / "PWNED")}
    assert {"E-PICKLE-GLOBAL"} == refusal(lambda: check_torch_zip(members, "here"))
    assert not (tmp_path / "PWNED").exists()


def test_what_names_tensors_only_passes() -> None:
    check_torch_zip({"archive/data.pkl": TENSOR}, "here")


TFLITE = [
    ("41-offset", make_tflite(root=10**6), "E-TFLITE-BROKEN"),
    ("41-count", make_tflite(count=10**9), "E-TFLITE-BROKEN"),
    ("41-flex", make_tflite(custom=b"FlexWriteFile"), "E-TFLITE-CUSTOM"),
    ("41-appended", make_tflite() + add(), "E-TFLITE-APPENDED"),
    ("41-other", bytes(64), "E-TFLITE-BROKEN"),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in TFLITE], ids=[row[0] for row in TFLITE])
def test_case_tflite(data: bytes, code: str) -> None:
    assert {code} == refusal(lambda: check_tflite(data, "here"))


def test_an_ordinary_flatbuffer_passes() -> None:
    check_tflite(make_tflite(), "here")


@pytest.mark.parametrize(
    ("location", "offset", "length"),
    [("../secret", "0", "24"), ("/etc/passwd", "0", "24"), ("sub/../../secret", "0", "24"), ("link", "0", "24"),
     ("colour.onnx", "0", "99999999"), ("colour.onnx", "-8", "24")],
)  # fmt: skip
def test_case_31_external_data(location: str, offset: str, length: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(make_onnx(change=keep_outside(location, offset, length)))
    assert {"E-CONVERT-EXTERNAL"} == refusal(lambda: convert_here(path, make_target("onnx")))


def test_the_files_are_right_but_for_what_makes_them_hostile(tmp_path: Path) -> None:
    for file_format, data in ((TFJS, add()), (H5, make_h5(id)), (KERAS, make_keras(id)), (ONNX, make_onnx())):
        (tmp_path / "model").write_bytes(data)
        assert convert_here(tmp_path / "model", make_target(file_format))
