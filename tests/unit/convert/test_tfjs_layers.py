"""TF.js Layers archives: layouts that are read, manifests that are refused, and quantisation."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversions import convert_here, make_head, make_manifest, make_target, sequential, write_tfjs, write_zip
from webipred.convert.json_text import JsonValue
from webipred.convert.tfjs_layers import find_model_json, read_manifest
from webipred.errors import FindingsError

SHARD = "group1-shard1of1.bin"
WEIGHTS = {"a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a/bias": np.array([1, -1, 0], np.int32)}


def small_manifest() -> tuple[Any, dict[str, bytes]]:
    manifest, data = make_manifest(WEIGHTS)
    return manifest, {SHARD: data}


def small_members() -> dict[str, bytes]:
    layers, weights = make_head(3)
    manifest, shard = make_manifest(weights)
    topology = {"model_config": sequential(*layers), "keras_version": "2.8.0"}
    document = {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
    return {"model.json": json.dumps(document).encode(), SHARD: shard}


@pytest.mark.parametrize("prefix", ["", "model/", "000016_model_converted/tfjs/"])
def test_the_folder_of_the_files_does_not_matter(prefix: str, tmp_path: Path) -> None:
    members = {prefix + name: data for name, data in small_members().items()}
    members |= {"__MACOSX/._model.json": b"junk", "LICENSE": b"text"}
    expected = convert_here(write_zip(tmp_path / "plain.zip", small_members()), make_target("tfjs-layers"))
    assert expected == convert_here(write_zip(tmp_path / "model.zip", members), make_target("tfjs-layers"))


def test_a_topology_without_wrapper_is_read(tmp_path: Path) -> None:
    members = small_members()
    document = json.loads(members["model.json"])
    document["modelTopology"] = {**document["modelTopology"]["model_config"], "keras_version": "tfjs-layers 4.22.0"}
    expected = convert_here(write_zip(tmp_path / "wrapped.zip", members), make_target("tfjs-layers"))
    members["model.json"] = json.dumps(document).encode()
    assert expected == convert_here(write_zip(tmp_path / "bare.zip", members), make_target("tfjs-layers"))


def test_weights_are_read_from_several_shards() -> None:
    manifest, shards = small_manifest()
    data = shards[SHARD]
    manifest[0]["paths"] = ["one", "two"]
    table = read_manifest(manifest, {"one": data[:7], "two": data[7:]}, "here")
    assert np.array_equal(WEIGHTS["a/kernel"], table.by_prefix["a"]["kernel"])
    assert np.array_equal(WEIGHTS["a/bias"], table.by_prefix["a"]["bias"])


def test_a_path_may_start_with_the_folder_itself() -> None:
    manifest, shards = small_manifest()
    manifest[0]["paths"] = [f"./{SHARD}"]  # as model.save of TensorFlow.js writes it
    assert ["a/kernel", "a/bias"] == read_manifest(manifest, shards, "here").list_untaken()


@pytest.mark.parametrize(("kind", "levels"), [("uint8", [0, 1, 255]), ("uint16", [0, 1, 65535])])
def test_levels_become_numbers_in_double_precision(kind: str, levels: list[int]) -> None:
    scale, low = 0.0021442523189619477, -0.2866960890152875
    entry: JsonValue = {
        "name": "a/b",
        "shape": [3],
        "dtype": "float32",
        "quantization": {"dtype": kind, "scale": scale, "min": low},
    }
    table = read_manifest([{"paths": ["s"], "weights": [entry]}], {"s": np.array(levels, kind).tobytes()}, "here")
    expected = np.array([level * scale + low for level in levels], np.float64).astype(np.float32)
    assert expected.tolist() == table.by_prefix["a"]["b"].tolist()


def test_half_precision_becomes_single() -> None:
    values = np.array([0.1, -65504, 6e-8], np.float16)
    entry: dict[str, Any] = {"name": "a/b", "shape": [3], "dtype": "float32", "quantization": {"dtype": "float16"}}
    table = read_manifest([{"paths": ["s"], "weights": [entry]}], {"s": values.tobytes()}, "here")
    assert values.astype(np.float32).tolist() == table.by_prefix["a"]["b"].tolist()


def test_bool_weights_are_bytes() -> None:
    entry: dict[str, Any] = {"name": "a/b", "shape": [2], "dtype": "bool"}
    table = read_manifest([{"paths": ["s"], "weights": [entry]}], {"s": b"\x01\x00"}, "here")
    assert [1, 0] == table.by_prefix["a"]["b"].tolist()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"paths": ["../../etc/passwd"]}, "the path '../../etc/passwd' is not a plain file name."),
        ({"paths": ["http://evil/x.bin"]}, "the path 'http://evil/x.bin' is not a plain file name."),
        ({"paths": ["data:,x"]}, "the path 'data:,x' is not a plain file name."),
        ({"paths": ["././x"]}, "the path '././x' is not a plain file name."),
        ({"paths": [".."]}, "the path '..' is not a plain file name."),
        ({"paths": ["C:\\x"]}, "is not a plain file name."),
        ({"paths": [1]}, "the path 1 is not a plain file name."),
        ({"paths": []}, "a weight group has no list of paths."),
        ({"paths": ["absent.bin"]}, "the shard 'absent.bin' is not in the archive."),
        ({"paths": [SHARD, SHARD]}, f"the shard '{SHARD}' is used twice."),
        ({"weights": None}, "a weight group has no list of weights."),
        ({"weights": []}, "the shards hold 36 bytes, the weights need 0."),
    ],
)
def test_a_wrong_group_is_refused(change: dict[str, Any], expected: str) -> None:
    manifest, shards = small_manifest()
    with pytest.raises(FindingsError) as caught:
        read_manifest([{**manifest[0], **change}], shards, "here")
    assert expected in str(caught.value)
    assert "E-CONVERT-MANIFEST" == caught.value.findings[0].code


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dtype": "string"}, "the weight 'a/kernel' has the type 'string', which is not read."),
        ({"dtype": "complex64"}, "has the type 'complex64', which is not read."),
        ({"shape": [2, -3]}, "the weight 'a/kernel' has the shape [2, -3]."),
        ({"shape": [2, 3.0]}, "the weight 'a/kernel' has the shape [2, 3.0]."),
        ({"shape": [True, 6]}, "has the shape [True, 6]."),
        ({"shape": None}, "has the shape None."),
        ({"shape": [2, 4]}, "the weight 'a/bias' needs 44 bytes, its shards hold 36."),
        ({"shape": [10**9, 10**9]}, "its shards hold 36."),
        ({"name": "a/bias"}, "the weight 'a/bias' stands twice."),
        ({"quantization": {"dtype": "int4", "scale": 1, "min": 0}}, "has the quantization"),
        ({"quantization": {"dtype": "uint8", "scale": "1", "min": 0}}, "is quantized without finite scale and min."),
        ({"quantization": {"dtype": "uint8", "scale": 1e308, "min": 0}}, "is quantized without finite scale and min."),
        ({"quantization": {"dtype": "uint8", "scale": True, "min": 0}}, "is quantized without finite scale and min."),
        ({"quantization": {"dtype": "uint8"}}, "is quantized without finite scale and min."),
        ({"quantization": "uint8"}, "has the quantization 'uint8'."),
    ],
)
def test_a_wrong_weight_is_refused(change: dict[str, Any], expected: str) -> None:
    manifest, shards = small_manifest()
    manifest[0]["weights"][0] |= change
    with pytest.raises(FindingsError) as caught:
        read_manifest(manifest, shards, "here")
    assert expected in str(caught.value)


@pytest.mark.parametrize("cut", [slice(0, -1), slice(1, None)])
def test_a_shard_that_is_one_byte_short_is_refused(cut: slice) -> None:
    manifest, shards = small_manifest()
    with pytest.raises(FindingsError, match="needs 36 bytes, its shards hold 35"):
        read_manifest(manifest, {SHARD: shards[SHARD][cut]}, "here")


def test_a_shard_that_is_one_byte_long_is_refused() -> None:
    manifest, shards = small_manifest()
    with pytest.raises(FindingsError, match="the shards hold 37 bytes, the weights need 36"):
        read_manifest(manifest, {SHARD: shards[SHARD] + b"\0"}, "here")


def test_an_archive_without_model_says_what_it_holds() -> None:
    expected = (
        "here: the archive holds no model.json, but 'weights.bin'. "
        "Check source.file and format of the entry. [E-CONVERT-FORMAT]"
    )
    with pytest.raises(FindingsError) as caught:
        find_model_json({"weights.bin": b""}, "here")
    assert expected == str(caught.value)


def test_an_archive_with_two_models_is_refused() -> None:
    with pytest.raises(FindingsError, match=r"the archive holds 2 files model.json \('a/model.json', 'b/model.json'\)"):
        find_model_json({"a/model.json": b"", "b/model.json": b""}, "here")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"format": "graph-model", "modelTopology": {"node": []}}, "it is a TF.js graph model, not a Layers model."),
        ({"weightsManifest": []}, "it has no modelTopology, so it is not a TF.js Layers model."),
        ([], "it has no modelTopology, so it is not a TF.js Layers model."),
    ],
)
def test_another_json_is_refused(document: object, expected: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "model.zip", {"model.json": json.dumps(document).encode()})
    with pytest.raises(FindingsError) as caught:
        convert_here(path, make_target("tfjs-layers"))
    assert expected in str(caught.value)


def test_weights_that_no_layer_uses_are_refused(tmp_path: Path) -> None:
    layers, weights = make_head(3)
    weights["other/kernel"] = np.zeros(2, np.float32)
    path = write_tfjs(tmp_path / "model.zip", sequential(*layers), weights)
    expected = "model model.bin: the topology does not use the weights 'other/kernel'."
    with pytest.raises(FindingsError) as caught:
        convert_here(path, make_target("tfjs-layers"))
    assert str(caught.value).startswith(expected)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 40)
    | st.floats()
    | st.sampled_from(["a/b", "float32", "uint8", "s", ".."]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["paths", "weights", "name", "shape", "dtype", "quantization", "scale", "min"]), inner
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(manifest=values, shard=st.binary(max_size=64))
def test_any_manifest_is_read_or_refused(manifest: JsonValue, shard: bytes) -> None:
    try:
        read_manifest(manifest, {"s": shard}, "here")
    except FindingsError as error:
        assert error.findings  # noqa: PT017 - either outcome is right


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_changed_manifest_is_read_or_refused(data: st.DataObject) -> None:
    manifest, shards = small_manifest()
    changed = copy.deepcopy(manifest)
    entry = data.draw(st.sampled_from([changed[0], *changed[0]["weights"]]))
    entry[data.draw(st.sampled_from(sorted(entry)))] = data.draw(values)
    try:
        table = read_manifest(changed, shards, "here")
    except FindingsError as error:
        assert error.findings  # noqa: PT017 - either outcome is right
    else:
        assert table.list_untaken()
