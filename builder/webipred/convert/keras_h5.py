"""Legacy Keras HDF5: topology as JSON in an attribute, weights in one group per layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webipred.convert.graph import Array, GraphBuilder, Value
from webipred.convert.hdf5_file import Hdf5File, open_hdf5
from webipred.convert.json_text import parse_json
from webipred.convert.keras_config import parse_model, read_dialect
from webipred.convert.keras_network import build_network
from webipred.convert.target import ConversionTarget
from webipred.convert.weights import LayerAddress, WeightSpec, WeightTable, match_names, missing_weights
from webipred.errors import refuse

CONVERTER: Final = "keras-h5/1"
WEIGHTS: Final = "model_weights"


@dataclass(frozen=True, slots=True)
class GroupStore:
    """One table of weights per layer of the outermost model, whatever the weights in it are called."""

    tables: Mapping[str, WeightTable]

    def take(self, address: LayerAddress, specs: Sequence[WeightSpec], where: str) -> Mapping[str, Array]:
        """Return the weights of one layer.

        A layer of its own owns its group, even if it was renamed after its weights were made; inside of a submodel
        the weights are found by the names of the layers.
        """
        table = self.tables.get(address.names[0])
        if table is None:
            raise missing_weights(specs, where)
        if len(address.names) > 1:
            return table.take(address.names[1:], specs, where)
        prefixes = list(table.by_prefix)
        if len(prefixes) != 1:
            return table.take(address.names, specs, where)
        table.taken.add(prefixes[0])
        return match_names(table.by_prefix[prefixes[0]], specs, where)

    def list_untaken(self) -> list[str]:
        """Name the weights that no layer took."""
        return [f"{layer}: {name}" for layer, table in self.tables.items() for name in table.list_untaken()]


def convert(path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
    """Return the network of a Keras HDF5 file. Raises FindingsError."""
    with open_hdf5(path, target.where, target.limits) as file:
        text = file.read_text("", "model_config")
        if text is None:
            raise refuse(
                "E-CONVERT-FORMAT",
                target.where,
                "the file holds no model_config, so it is not a whole Keras model.",
                "Save the whole model (model.save), not only its weights.",
            )
        config = parse_json(text.encode(), f"{target.where} model_config", target.limits.json_bytes)
        model = parse_model(config, target.where, target.limits.layers)
        dialect = read_dialect(file.read_text("", "keras_version"))
        return build_network(model, GroupStore(read_tables(file, target.where)), dialect, target)


def read_tables(file: Hdf5File, where: str) -> dict[str, WeightTable]:
    """Return the weights of every layer that the file lists. Raises FindingsError for unlisted or absent ones."""
    tables: dict[str, WeightTable] = {}
    remaining = {name for name in file.names if name.startswith(f"{WEIGHTS}/")}
    for layer in file.read_texts(WEIGHTS, "layer_names"):
        group = f"{WEIGHTS}/{layer}"
        table = tables.setdefault(layer, WeightTable())
        for name in file.read_texts(group, "weight_names"):
            path = f"{group}/{name}"
            if path not in remaining:
                what = f"the weight {name[:80]!r} of layer {layer[:80]!r} is listed but not stored."
                raise refuse(
                    "E-CONVERT-WEIGHTS-MISSING", where, what, "The file is damaged; get it again from its origin."
                )
            remaining.discard(path)
            table.add(name, file.read(path), f"{where} layer {layer[:80]!r}")
    if remaining:
        what = f"the weight {sorted(remaining)[0][:120]!r} is stored but belongs to no listed layer."
        raise refuse("E-CONVERT-WEIGHTS-UNUSED", where, what, "The file is damaged; get it again from its origin.")
    return tables
