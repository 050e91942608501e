"""Write model files from a zoo fixture: TF.js Layers folders and zips, and legacy Keras HDF5.

The layouts follow what TensorFlow.js Converter 4 and Keras 2 write, byte layout of the weights included;
numpy and h5py are enough. A fixture is one `<architecture>.json.gz` beside this file.
"""

import gzip
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from .seeded_weights import Correction, make_input, make_weight

FOLDER: Final = Path(__file__).parent
SHARD_BYTES: Final = 4 * 1024 * 1024
ZIP_DATE: Final = (2020, 1, 1, 0, 0, 0)
ATTRIBUTE_LIMIT_BYTES: Final = 64512  # HDF5 object header limit, the constant Keras 2 splits at

Quantization = Literal["uint8", "uint16", "float16"]
Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """One architecture of the zoo: its Keras 2 topology, weight table and reference outputs.

    `layers` is ordered as in the model: (layer name, ((weight name, shape, dtype), …)), with weight
    names as HDF5 has them (`conv1/kernel:0`). `references` maps "float32" or a quantization to one
    tf_keras output per input; a quantized reference was computed with the dequantized weights.
    """

    architecture: str
    seed: int
    topology: Mapping[str, object]
    layers: tuple[tuple[str, tuple[tuple[str, tuple[int, ...], str], ...]], ...]
    corrections: Mapping[str, Correction]
    input_shape: tuple[int, int, int]
    input_range: tuple[float, float]
    references: Mapping[str, NDArray[np.float32]]

    @property
    def inputs(self) -> NDArray[np.float32]:
        """All reference inputs, float32 (batch, height, width, channel)."""
        count = len(self.references["float32"])
        images = [make_input(self.seed, self.input_shape, *self.input_range, number) for number in range(count)]
        return np.concatenate(images)

    def make_weights(self) -> Iterator[tuple[str, str, Array]]:
        """Yield (layer name, weight name, value) in model order."""
        for layer, weights in self.layers:
            for name, shape, dtype in weights:
                correction = self.corrections.get(name, (1.0, 0.0))
                yield layer, name, make_weight(self.seed, name, shape, dtype, correction)


def list_architectures() -> list[str]:
    """Name every architecture that has a fixture."""
    return sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


def read_fixture(architecture: str) -> Fixture:
    """Read the fixture of one architecture, for example "DenseNet121"."""
    raw = json.loads(gzip.decompress((FOLDER / f"{architecture}.json.gz").read_bytes()))
    layers = tuple(
        (layer, tuple((name, tuple(shape), dtype) for name, shape, dtype in weights))
        for layer, weights in raw["layers"]
    )
    references = {key: np.array(rows, np.float32) for key, rows in raw["references"].items()}
    return Fixture(
        architecture=raw["architecture"],
        seed=raw["seed"],
        topology=raw["topology"],
        layers=layers,
        corrections=raw["corrections"],
        input_shape=tuple(raw["input_shape"]),
        input_range=tuple(raw["input_range"]),
        references=references,
    )


def quantize(value: Array, dtype: str) -> tuple[Array, dict[str, float]]:
    """Quantize as the TF.js converter does: affine over min..max with an exact zero, or float16."""
    if dtype == "float16":
        return value.astype(np.float16), {}
    low, high = float(value.min()), float(value.max())
    if low == high:
        return np.zeros(value.shape, dtype), {"min": low, "scale": 1.0}
    top = np.iinfo(dtype).max
    scale = (high - low) / top
    if low <= 0 <= high:
        low = -float(np.round(-low / scale)) * scale
        high = top * scale + low
    levels = np.round((value.astype(np.float64).clip(low, high) - low) / scale)
    return levels.astype(dtype), {"min": low, "scale": scale}


def dequantize(levels: Array, parameters: Mapping[str, float]) -> NDArray[np.float32]:
    """Restore float32 values as TF.js does: in double precision, then rounded once."""
    if not parameters:
        return levels.astype(np.float32)
    value = levels.astype(np.float64) * parameters["scale"] + parameters["min"]
    return value.astype(np.float32)


def tfjs_files(fixture: Fixture, quantization: Quantization | None = None) -> dict[str, bytes]:
    """Make a TF.js Layers folder, {file name: bytes}: model.json and shards of at most 4 MiB."""
    data = bytearray()
    entries: list[dict[str, object]] = []
    for _, name, value in sorted(fixture.make_weights(), key=lambda row: row[0]):
        if value.dtype == np.int64:  # TF.js has no 64-bit integers
            value = value.astype(np.int32)
        entry: dict[str, object] = {
            "name": name.removesuffix(":0"),
            "shape": list(value.shape),
            "dtype": value.dtype.name,
        }
        if quantization is not None and value.dtype == np.float32:
            value, parameters = quantize(value, quantization)
            entry["quantization"] = {
                "dtype": quantization,
                **parameters,
                "original_dtype": "float32",
            }
        entries.append(entry)
        data += value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
    count = -(-len(data) // SHARD_BYTES)
    paths = [f"group1-shard{number}of{count}.bin" for number in range(1, count + 1)]
    model = {
        "format": "layers-model",
        "generatedBy": f"keras v{fixture.topology['keras_version']}",
        "convertedBy": "TensorFlow.js Converter v4.22.0",
        "modelTopology": fixture.topology,
        "weightsManifest": [{"paths": paths, "weights": entries}],
    }
    files = {"model.json": json.dumps(model).encode()}
    for number, path in enumerate(paths):
        files[path] = bytes(data[number * SHARD_BYTES : (number + 1) * SHARD_BYTES])
    return files


def write_tfjs_folder(folder: Path, fixture: Fixture, quantization: Quantization | None = None) -> None:
    """Write a TF.js Layers folder; `folder` is created."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in tfjs_files(fixture, quantization).items():
        (folder / name).write_bytes(data)


def write_tfjs_zip(path: Path, fixture: Fixture, quantization: Quantization | None = None, prefix: str = "") -> None:
    """Write a stored zip with fixed dates, members below `prefix` (for example "model/")."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in tfjs_files(fixture, quantization).items():
            member = zipfile.ZipInfo(prefix + name, ZIP_DATE)
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)


def write_names(group: h5py.Group, attribute: str, names: list[str]) -> None:
    """Write a list of names as HDF5 attribute, split into numbered parts where Keras 2 splits it."""
    encoded = [name.encode() for name in names]
    parts = 1
    while any(np.array(part).nbytes > ATTRIBUTE_LIMIT_BYTES for part in np.array_split(encoded, parts)):
        parts += 1
    if parts == 1:
        group.attrs[attribute] = encoded
        return
    for number, part in enumerate(np.array_split(encoded, parts)):
        group.attrs[f"{attribute}{number}"] = part


def write_keras_h5(path: Path, fixture: Fixture) -> None:
    """Write a whole-model HDF5 file as Keras 2 does, without optimizer state."""
    version = str(fixture.topology["keras_version"])
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(fixture.topology["model_config"]).encode()
        root = file.create_group("model_weights")
        write_names(root, "layer_names", [layer for layer, _ in fixture.layers])
        root.attrs["backend"] = b"tensorflow"
        root.attrs["keras_version"] = version.encode()
        for layer, weights in sorted(fixture.layers):
            write_names(root.create_group(layer), "weight_names", [row[0] for row in weights])
        root.create_group("top_level_model_weights").attrs["weight_names"] = np.array([], "float64")
        for layer, name, value in fixture.make_weights():
            root[layer].create_dataset(name, data=value)
