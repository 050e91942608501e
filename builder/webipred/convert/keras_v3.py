"""`.keras` files of Keras 3 and tf_keras ≥ 2.13: a zip of config.json, metadata.json and model.weights.h5."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from webipred.convert.graph import Array, GraphBuilder, Value
from webipred.convert.hdf5_file import Hdf5File, open_hdf5
from webipred.convert.json_text import JsonValue, parse_json
from webipred.convert.keras_config import parse_model, read_dialect
from webipred.convert.keras_network import build_network
from webipred.convert.target import ConversionTarget
from webipred.convert.weights import LayerAddress, WeightSpec, match_order, missing_weights
from webipred.errors import refuse
from webipred.sources.unpacking import UnpackLimits, read_members

CONVERTER: Final = "keras-v3/1"
CONFIG: Final = "config.json"
METADATA: Final = "metadata.json"
WEIGHTS: Final = "model.weights.h5"
NOT_FOR_PREDICTION: Final = ("optimizer/", "metrics/", "compile_metrics/", "loss_tracker/")
RANDOM_STATE: Final = "/seed_generator/"


@dataclass(slots=True)
class FolderStore:
    """Weights numbered in one folder per layer, as `layers/conv2d_1/vars/0`."""

    file: Hdf5File
    folders: Mapping[str, int]
    taken: set[str] = field(default_factory=set)

    def take(self, address: LayerAddress, specs: Sequence[WeightSpec], where: str) -> Mapping[str, Array]:
        """Return the weights of one layer; the file only numbers them, so their number and shapes must agree."""
        folder = "/".join(address.folders) + "/vars"
        if folder not in self.folders:  # tf_keras names the parts of an attention after its private fields
            folder = "/".join((*address.folders[:-1], f"_{address.folders[-1]}", "vars"))
        if folder not in self.folders:
            raise missing_weights(specs, where)
        name = self.file.read_text(folder, "name")
        if name is not None and name != address.names[-1]:
            what = f"the weights file calls the layer {name[:80]!r} at this place."
            raise refuse(
                "E-CONVERT-WEIGHTS", where, what, "The weights do not belong to this topology; export the model again."
            )
        self.taken.add(folder)
        arrays = [self.file.read(f"{folder}/{number}") for number in range(self.folders[folder])]
        return match_order(arrays, specs, where)

    def list_untaken(self) -> list[str]:
        """Name the weights that no layer took."""
        return [
            f"{folder}/{number}"
            for folder, count in self.folders.items()
            if folder not in self.taken
            for number in range(count)
        ]


def convert(path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
    """Return the network of a `.keras` file. Raises FindingsError."""
    limits = target.limits
    members = read_members(path, UnpackLimits(max_total_bytes=limits.unpacked_bytes), label=target.where)
    lacking = [name for name in (CONFIG, WEIGHTS) if name not in members]
    if lacking:
        what = f"the archive holds no {lacking[0]}, so it is not a .keras file of Keras 3 or tf_keras."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Check source.file and format of the entry.")
    config = parse_json(members[CONFIG], f"{target.where} member {CONFIG!r}", limits.json_bytes)
    metadata = parse_json(members.get(METADATA, b"{}"), f"{target.where} member {METADATA!r}", limits.json_bytes)
    version: JsonValue = metadata.get("keras_version") if isinstance(metadata, dict) else None
    model = parse_model(config, target.where, limits.layers)
    # HDF5 wants a file: one of its own, beside nothing of the caller's, gone when the weights are read
    with tempfile.TemporaryDirectory(prefix="weights-", dir=path.parent) as folder:
        unpacked = Path(folder, "weights.h5")
        unpacked.write_bytes(members.pop(WEIGHTS))
        with open_hdf5(unpacked, f"{target.where} member {WEIGHTS!r}", limits) as file:
            store = FolderStore(file=file, folders=list_folders(file))
            return build_network(model, store, read_dialect(version), target)


def list_folders(file: Hdf5File) -> dict[str, int]:
    """Return the folders of weights with their number of weights. Raises FindingsError for other datasets."""
    numbers: dict[str, list[str]] = {}
    for path in file.names:
        if path.startswith(NOT_FOR_PREDICTION) or RANDOM_STATE in path:
            continue
        folder, _, leaf = path.rpartition("/")
        numbers.setdefault(folder, []).append(leaf)
    for folder, leaves in numbers.items():
        if set(leaves) != {str(number) for number in range(len(leaves))}:
            raise refuse(
                "E-CONVERT-WEIGHTS",
                folder[:120] or WEIGHTS,
                f"holds {ascii(sorted(leaves))[:120]} instead of numbered weights.",
                "The file is damaged or of an unknown Keras version; export the model again.",
            )
    return {folder: len(leaves) for folder, leaves in numbers.items()}
