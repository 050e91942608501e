"""TFLite files: the numbers of TFLite's own interpreter, or a refusal; hostile bytes never get further."""

import contextlib
import csv
import json
import struct
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from conversions import convert_here, make_archive, make_target, run_network
from webipred.convert.conversion import run_converter
from webipred.convert.flatbuffer import Buffer
from webipred.errors import FindingsError

FOLDER = Path(__file__).parents[2] / "data" / "tflite"
ROWS: list[dict[str, str]] = json.loads((FOLDER / "index.json").read_text())
TOLERANCE: Final = 1e-6  # small nets: onnxruntime and TFLite differ by 2e-7 at most here
MOBILE: Final = FOLDER / "mobile.tflite"
MOBILE_SHAPE: Final = (33, 31, 3)


@pytest.mark.parametrize("row", [row for row in ROWS if "reference" in row], ids=lambda row: row["file"])
def test_a_file_gives_the_numbers_of_the_interpreter(row: dict[str, str]) -> None:
    reference = np.load(FOLDER / row["reference"])
    images, expected = reference["input"], reference["output"]
    classes = max(expected.shape[1], 2)
    found = run_network(convert_here(FOLDER / row["file"], make_target("tflite", images.shape[1:], classes)), images)
    assert np.abs(expected - found[:, -expected.shape[1] :]).max() <= TOLERANCE


@pytest.mark.parametrize("row", [row for row in ROWS if "refused" in row], ids=lambda row: row["file"])
def test_a_quantised_file_is_refused_with_the_reason(row: dict[str, str]) -> None:
    with pytest.raises(FindingsError, match=row["refused"]):
        convert_here(FOLDER / row["file"], make_target("tflite", MOBILE_SHAPE, 4))


def refuse_bytes(data: bytes, folder: Path) -> str:
    """Return the refusal of a file."""
    path = folder / "archive"
    path.write_bytes(data)
    with pytest.raises(FindingsError) as caught:
        convert_here(path, make_target("tflite", MOBILE_SHAPE, 4))
    return str(caught.value)


def test_another_input_size_is_refused() -> None:
    with pytest.raises(FindingsError, match="the network takes 33 × 31 × 3"):
        convert_here(MOBILE, make_target("tflite", (32, 32, 3), 4))


def test_a_file_without_the_mark_is_refused(tmp_path: Path) -> None:
    assert "does not carry the mark TFL3" in refuse_bytes(b"\x00" * 64, tmp_path)


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    assert "E-FLATBUFFER-DAMAGED" in refuse_bytes(MOBILE.read_bytes()[:-4000], tmp_path)


def test_a_root_outside_of_the_file_is_refused(tmp_path: Path) -> None:
    data = struct.pack("<I", 0xFFFFFFF0) + MOBILE.read_bytes()[4:]
    assert "it points to bytes 4294967280" in refuse_bytes(data, tmp_path)


def test_a_structure_that_repeats_itself_without_end_is_refused() -> None:
    with pytest.raises(FindingsError, match="its structure repeats itself without end"):
        Buffer(MOBILE.read_bytes(), "model", budget=3).root().tables(3)


def test_options_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    # RELU6 as fused activation of a convolution (3) becomes SIGN_BIT (5), which no emitter knows
    data = MOBILE.read_bytes()
    sentences = {refuse_bytes(changed, tmp_path) for changed in _change_fused(data)}
    assert any("its fused activation 5 is not known." in sentence for sentence in sentences)


def _change_fused(data: bytes) -> list[bytes]:
    root = struct.unpack_from("<I", data, 0)[0]
    graph = _list_tables(data, root, 2)[0]
    changed = []
    for operator in _list_tables(data, graph, 3):
        if _field(data, operator, 4):
            place = _field(data, _follow(data, operator, 4), 3)
            if place and data[place] == 3:
                changed.append(data[:place] + b"\x05" + data[place + 1 :])
    return changed[:1]


def _list_tables(data: bytes, table: int, field: int) -> list[int]:
    start = _follow(data, table, field)
    entries = range(start + 4, start + 4 + 4 * int(struct.unpack_from("<I", data, start)[0]), 4)
    return [entry + int(struct.unpack_from("<I", data, entry)[0]) for entry in entries]


def test_an_operator_that_is_not_converted_is_named(tmp_path: Path) -> None:
    data = MOBILE.read_bytes()
    # operator codes are tables with one byte; SOFTMAX (25) becomes SIN (66) wherever a code holds it
    changed = _replace_operator(data, 25, 66)
    assert "the operator SIN is not converted." in refuse_bytes(changed, tmp_path)


def _replace_operator(data: bytes, old: int, new: int) -> bytes:
    """Change the builtin code in both of its fields, found by walking the file as the reader does."""
    changed = bytearray(data)
    root = struct.unpack_from("<I", data, 0)[0]
    codes = _follow(data, root, 1)
    for number in range(struct.unpack_from("<I", data, codes)[0]):
        entry = codes + 4 + 4 * number
        table = entry + struct.unpack_from("<I", data, entry)[0]
        for field, kind in ((0, "b"), (3, "i")):
            place = _field(data, table, field)
            if place and struct.unpack_from("<" + kind, data, place)[0] == old:
                struct.pack_into("<" + kind, changed, place, new)
    return bytes(changed)


def _field(data: bytes, table: int, field: int) -> int:
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * field)[0] if 4 + 2 * field < size else 0
    return table + offset if offset else 0


def _follow(data: bytes, table: int, field: int) -> int:
    place = _field(data, table, field)
    return int(place + struct.unpack_from("<I", data, place)[0])


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    data = MOBILE.read_bytes()
    model = np.frombuffer(data, np.uint8)
    place = _largest_buffer(data)
    changed = model.copy()
    changed[place : place + 4] = np.frombuffer(struct.pack("<f", float("nan")), np.uint8)
    assert "E-CONVERT-NAN" in refuse_bytes(changed.tobytes(), tmp_path)


def _largest_buffer(data: bytes) -> int:
    """Return where the longest buffer's bytes begin."""
    root = struct.unpack_from("<I", data, 0)[0]
    buffers = _follow(data, root, 4)
    found: list[tuple[int, int]] = []
    for number in range(struct.unpack_from("<I", data, buffers)[0]):
        entry = buffers + 4 + 4 * number
        table = entry + struct.unpack_from("<I", data, entry)[0]
        if _field(data, table, 0):
            start = _follow(data, table, 0)
            found.append((struct.unpack_from("<I", data, start)[0], start + 4))
    return max(found)[1]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))
def test_changed_bytes_convert_or_are_refused(changes: list[tuple[int, bytes]], tmp_path: Path) -> None:
    data = bytearray(MOBILE.read_bytes())
    for place, piece in changes:
        start = place % (len(data) - len(piece))
        data[start : start + len(piece)] = piece
    path = tmp_path / "archive"
    path.write_bytes(data)
    with contextlib.suppress(FindingsError):
        convert_here(path, make_target("tflite", MOBILE_SHAPE, 4))


@pytest.mark.shared_data
def test_the_malaria_model_gives_its_published_scores(shared_data: Path) -> None:
    folder = shared_data / "malaria"
    network = convert_here(folder / "malaria_thinsmear_44.tflite", make_target("tflite", (44, 44, 3), 2))
    rows = list(csv.DictReader((folder / "reference_scores.csv").read_text().splitlines()))
    images = _read_cells(folder / "images.zip", [row["image"] for row in rows])
    expected = np.array([float(row["p_parasitized_pil_bilinear"]) for row in rows])
    assert np.abs(expected - run_network(network, images)[:, 0]).max() <= 1e-6  # the file rounds to seven digits


def _read_cells(archive: Path, names: list[str]) -> NDArray[np.float32]:
    with zipfile.ZipFile(archive) as stream:
        cells = [Image.open(stream.open(name)).convert("RGB") for name in names]
    resized = [np.asarray(cell.resize((44, 44), Image.Resampling.BILINEAR)) for cell in cells]
    return np.stack(resized).astype(np.float32) / np.float32(255)


def test_a_file_converts_in_a_process_of_its_own() -> None:
    archive, target = make_archive(MOBILE), make_target("tflite", MOBILE_SHAPE, 4)
    assert convert_here(MOBILE, target) == run_converter(archive, target).network
