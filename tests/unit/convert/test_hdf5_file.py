"""HDF5 files that reach outside, lie about their size or go in circles are refused before their data is read."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversions import convert_here, make_head, make_target, sequential
from webipred.convert.hdf5_file import open_hdf5
from webipred.convert.limits import ConversionLimits
from webipred.errors import FindingsError

CANARY = b"the secret of this machine, sixteen bytes and more"


def write_h5(path: Path) -> Path:
    layers, weights = make_head(3)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.8.0"
        file.attrs["model_config"] = json.dumps(sequential(*layers))
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [b"pool", b"scores"]
        root.create_group("pool").attrs["weight_names"] = np.array([], "float64")
        group = root.create_group("scores")
        group.attrs["weight_names"] = [name.encode() + b":0" for name in weights]
        for name, value in weights.items():
            group.create_dataset(f"{name}:0", data=value)
    return path


def refusal_of(path: Path, limits: ConversionLimits | None = None) -> str:
    with pytest.raises(FindingsError) as caught, open_hdf5(path, "here", limits or ConversionLimits()):
        pass
    return str(caught.value)


def test_a_plain_file_is_converted(tmp_path: Path) -> None:
    assert convert_here(write_h5(tmp_path / "model.h5"), make_target("keras-h5"))


def test_a_link_to_another_file_is_refused(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "model.h5")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.frombuffer(CANARY, np.uint8)
    with h5py.File(path, "a") as file:
        file["model_weights/outside"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
    expected = (
        "here: the object 'model_weights/outside' is a ExternalLink, which may lead to another file. "
        "No Keras writes such a file; get it again from its origin. [E-HDF5-LINK]"
    )
    assert expected == refusal_of(path)


def test_a_soft_link_is_refused(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        file["loop"] = h5py.SoftLink("/loop")
    assert "the object 'loop' is a SoftLink" in refusal_of(path)


def test_external_storage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CANARY)
    path = write_h5(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("stolen", (len(CANARY),), "u1", external=[(str(tmp_path / "secret"), 0, len(CANARY))])
    assert "the object 'stolen' keeps its data in other files" in refusal_of(path)


def test_a_virtual_dataset_is_refused(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "model.h5")
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (4,))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("virtual", layout)
    assert "the object 'virtual' keeps its data in other files" in refusal_of(path)


def test_a_hard_link_cycle_ends(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        for number in range(8):
            file[f"again{number}"] = file["/"]
    assert "is linked twice, or is its own parent" in refusal_of(path)


def test_a_deep_tree_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.h5"
    with h5py.File(path, "w") as file:
        file.create_group("/".join(["deeper"] * 100))
    assert "is beyond 100000 objects or 32 levels" in refusal_of(path)


def test_forty_gigabytes_in_a_small_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("bomb", (10_000_000_000,), "f4", chunks=(1024,))
    assert path.stat().st_size < 10_000
    assert "the object 'bomb' declares, with those before it, 40000000000 bytes" in refusal_of(path)


@pytest.mark.parametrize("kind", [h5py.string_dtype(), h5py.ref_dtype, np.dtype([("a", "f4")]), np.dtype("c8")])
def test_other_types_than_numbers_are_refused(kind: np.dtype[np.generic], tmp_path: Path) -> None:
    path = tmp_path / "types.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("odd", (2,), kind)
    assert "only numbers are read" in refusal_of(path)


def test_a_named_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "types.h5"
    with h5py.File(path, "w") as file:
        file["named"] = np.dtype("f8")
    assert "the object 'named' is a Datatype" in refusal_of(path)


def test_a_plug_in_filter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "filter.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("packed", (64,), "f4", compression="lzf")
    assert "the object 'packed' needs the plug-in filter 32000" in refusal_of(path)


def test_built_in_compression_is_read(tmp_path: Path) -> None:
    path = tmp_path / "filter.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("packed", data=np.arange(64.0), compression="gzip", shuffle=True, fletcher32=True)
    with open_hdf5(path, "here", ConversionLimits()) as opened:
        assert np.arange(64.0).tolist() == opened.read("packed").tolist()


def test_weights_that_were_never_written_are_refused(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "model.h5")
    name = "model_weights/scores/scores/kernel:0"
    with h5py.File(path, "a") as file:
        shape = file[name].shape
        del file[name]
        file.create_dataset(name, shape, "f4")
    assert f"the object '{name}' was declared, but its numbers were never written" in refusal_of(path)
    with pytest.raises(FindingsError, match="E-HDF5-UNWRITTEN"):
        convert_here(path, make_target("keras-h5"))


@pytest.mark.parametrize(("rows", "pieces"), [(0, 0), (1, 1), (8, 2)])
def test_pieces_that_were_never_written_are_refused(rows: int, pieces: int, tmp_path: Path) -> None:
    path = tmp_path / "pieces.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("kernel", (10, 3), "f4", chunks=(4, 3), compression="gzip")
        file["kernel"][:rows] = 1
    assert f"the object 'kernel' has {pieces} of its 3 pieces; the others were never written" in refusal_of(path)


def test_an_array_without_elements_is_read(tmp_path: Path) -> None:
    path = tmp_path / "none.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("none", (0, 3), "f4")
    with open_hdf5(path, "here", ConversionLimits()) as opened:
        assert (0, 3) == opened.read("none").shape


def test_names_split_over_attributes_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "names.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names0"] = [b"a", b"b"]
        file.attrs["layer_names1"] = ["c"]
    with open_hdf5(path, "here", ConversionLimits()) as opened:
        assert ["a", "b", "c"] == opened.read_texts("", "layer_names")


def test_an_attribute_of_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = np.arange(3)
    with (
        open_hdf5(path, "here", ConversionLimits()) as opened,
        pytest.raises(FindingsError, match="is not text but int64"),
    ):
        opened.read_text("", "model_config")


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"not hdf5")
    assert refusal_of(path).startswith("here: the HDF5 library cannot read this (OSError")


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.create_group("model_weights")
    with pytest.raises(FindingsError, match="the file holds no model_config, so it is not a whole Keras model"):
        convert_here(path, make_target("keras-h5"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("delete", "the weight 'scores/bias:0' of layer 'scores' is listed but not stored."),
        ("unlisted", "the weight 'model_weights/scores/extra' is stored but belongs to no listed layer."),
        ("unused", "the topology does not use the weights 'other: other/kernel'."),
        ("shape", "layer 'scores' (Dense): the weight bias has the shape [3], the layer needs [2]."),
        ("nan", "layer 'scores' (Dense): the weight bias holds NaN or infinity."),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: str, expected: str, tmp_path: Path) -> None:
    path = write_h5(tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        root = file["model_weights"]
        if change in ("delete", "shape", "nan"):
            del root["scores/scores/bias:0"]
        if change == "shape":
            root["scores/scores/bias:0"] = np.zeros(3, "f4")
        if change == "nan":
            root["scores/scores/bias:0"] = np.array([0, np.nan], "f4")
        if change == "unlisted":
            root["scores/extra"] = np.zeros(3, "f4")
        if change == "unused":
            root.attrs["layer_names"] = [b"pool", b"scores", b"other"]
            root["other/other/kernel:0"] = np.zeros(3, "f4")
            root["other"].attrs["weight_names"] = [b"other/kernel:0"]
    with pytest.raises(FindingsError) as caught:
        convert_here(path, make_target("keras-h5"))
    assert expected in str(caught.value)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=6), cut=st.booleans()
)
def test_a_changed_file_is_converted_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: bool
) -> None:
    path = write_h5(tmp_path_factory.mktemp("h5") / "model.h5")
    data = bytearray(path.read_bytes())
    for position, byte in changes:
        data[position % len(data)] = byte
    path.write_bytes(data[: changes[0][0] % len(data)] if cut else data)
    try:
        convert_here(path, make_target("keras-h5"))
    except FindingsError as error:
        assert error.findings  # noqa: PT017 - either outcome is right
