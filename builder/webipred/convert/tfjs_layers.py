"""TF.js Layers: a zip of model.json and weight shards, as TensorFlow.js Converter writes and Zenodo serves it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TypeGuard

import numpy as np

from webipred.convert.graph import Array, GraphBuilder, Value
from webipred.convert.json_text import JsonValue, parse_json
from webipred.convert.keras_config import parse_model, read_dialect
from webipred.convert.keras_network import build_network
from webipred.convert.target import ConversionTarget
from webipred.convert.weights import LayerAddress, WeightSpec, WeightTable
from webipred.errors import FindingsError, refuse
from webipred.sources.unpacking import UnpackLimits, read_members

CONVERTER: Final = "tfjs-layers/1"
TYPES: Final[Mapping[str, str]] = {"float32": "<f4", "int32": "<i4", "bool": "|u1"}
QUANTIZED: Final[Mapping[str, str]] = {"uint8": "|u1", "uint16": "<u2", "float16": "<f2"}
LARGEST: Final = 1e300
MANIFEST_FIX: Final = "The archive is damaged or incomplete; get it again from its origin."


@dataclass(frozen=True, slots=True)
class FlatStore:
    """Weights named after their layer; `LayerAddress.names` finds them."""

    table: WeightTable

    def take(self, address: LayerAddress, specs: Sequence[WeightSpec], where: str) -> Mapping[str, Array]:
        """Return the weights of one layer."""
        return self.table.take(address.names, specs, where)

    def list_untaken(self) -> list[str]:
        """Name the weights that no layer took."""
        return self.table.list_untaken()


def convert(path: Path, target: ConversionTarget) -> tuple[GraphBuilder, Value]:
    """Return the network of a TF.js Layers zip. Raises FindingsError."""
    limits = target.limits
    members = read_members(path, UnpackLimits(max_total_bytes=limits.unpacked_bytes), label=target.where)
    name = find_model_json(members, target.where)
    where = f"{target.where} member {name!r}"
    document = parse_json(members[name], where, limits.json_bytes)
    topology = document.get("modelTopology") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(topology, dict):
        raise refuse(
            "E-CONVERT-FORMAT", where, "it has no modelTopology, so it is not a TF.js Layers model.", MANIFEST_FIX
        )
    if document.get("format") == "graph-model":
        raise refuse(
            "E-CONVERT-FORMAT", where, "it is a TF.js graph model, not a Layers model.", "Set format: tfjs-graph."
        )
    folder = PurePosixPath(name).parent
    siblings = {member: PurePosixPath(member) for member in members}
    shards = {path.name: members[member] for member, path in siblings.items() if path.parent == folder}
    store = FlatStore(read_manifest(document.get("weightsManifest"), shards, where))
    model = parse_model(topology.get("model_config", topology), target.where, limits.layers)
    return build_network(model, store, read_dialect(topology.get("keras_version")), target)


def find_model_json(members: Mapping[str, bytes], where: str) -> str:
    """Return the name of model.json, in the top folder or below. Raises FindingsError for none or several."""
    found = [name for name in members if PurePosixPath(name).name == "model.json"]
    if len(found) == 1:
        return found[0]
    if found:
        what = f"the archive holds {len(found)} files model.json ({found[0]!r}, {found[1]!r}); one model is expected."
        raise refuse("E-CONVERT-FORMAT", where, what, "Publish one archive per model.")
    shown = ", ".join(repr(name[:60]) for name in list(members)[:5]) or "nothing"
    raise refuse(
        "E-CONVERT-FORMAT",
        where,
        f"the archive holds no model.json, but {shown}.",
        "Check source.file and format of the entry.",
    )


def read_manifest(manifest: JsonValue, shards: Mapping[str, bytes], where: str) -> WeightTable:
    """Return all weights of a weightsManifest; `shards` are the files beside model.json. Raises FindingsError."""
    table = WeightTable()
    if not isinstance(manifest, list):
        raise _refuse_manifest("weightsManifest is missing or not a list.", where)
    used: set[str] = set()
    for group in manifest:
        weights = group.get("weights") if isinstance(group, dict) else None
        if not isinstance(group, dict) or not isinstance(weights, list):
            raise _refuse_manifest("a weight group has no list of weights.", where)
        data = memoryview(_join_shards(group.get("paths"), shards, used, where))
        offset = 0
        for entry in weights:
            name, value, offset = _read_weight(entry, data, offset, where)
            table.add(name, value, where)
        if offset != len(data):
            raise _refuse_manifest(f"the shards hold {len(data)} bytes, the weights need {offset}.", where)
    return table


def _join_shards(paths: JsonValue, shards: Mapping[str, bytes], used: set[str], where: str) -> bytes:
    if not isinstance(paths, list) or not paths:
        raise _refuse_manifest("a weight group has no list of paths.", where)
    parts: list[bytes] = []
    for given in paths:
        path = given.removeprefix("./") if isinstance(given, str) else given  # model.save of TF.js writes ./weights.bin
        if not _is_plain_name(path):
            raise _refuse_manifest(f"the path {ascii(given)[:80]} is not a plain file name.", where)
        if path not in shards:
            raise _refuse_manifest(f"the shard {path[:80]!r} is not in the archive.", where)
        if path in used:
            raise _refuse_manifest(f"the shard {path[:80]!r} is used twice.", where)
        used.add(path)
        parts.append(shards[path])
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _read_weight(entry: JsonValue, data: memoryview, offset: int, where: str) -> tuple[str, Array, int]:
    fields = entry if isinstance(entry, dict) else {}
    name, shape, dtype = fields.get("name"), fields.get("shape"), fields.get("dtype")
    if not isinstance(name, str) or not isinstance(dtype, str) or dtype not in TYPES:
        what = f"the weight {ascii(name)[:80]} has the type {ascii(dtype)[:40]}, which is not read."
        raise _refuse_manifest(what, where)
    sides = _read_shape(shape)
    if sides is None:
        raise _refuse_manifest(f"the weight {name[:80]!r} has the shape {str(shape)[:80]}.", where)
    quantization = fields.get("quantization")
    stored = _stored_type(name, dtype, quantization, where)
    end = offset + math.prod(sides) * stored.itemsize
    if end > len(data):
        raise _refuse_manifest(f"the weight {name[:80]!r} needs {end} bytes, its shards hold {len(data)}.", where)
    levels = np.frombuffer(data[offset:end], stored).reshape(sides)
    return name, _restore(levels, dtype, quantization, name, where), end


def _read_shape(shape: JsonValue) -> list[int] | None:
    if not isinstance(shape, list) or len(shape) > 8:
        return None
    sides = [side for side in shape if isinstance(side, int) and not isinstance(side, bool) and side >= 0]
    return sides if len(sides) == len(shape) else None


def _is_plain_name(path: JsonValue) -> TypeGuard[str]:
    return isinstance(path, str) and path not in ("", "..", ".") and not set(path) & set("/\\:%?#")


def _stored_type(name: str, dtype: str, quantization: JsonValue, where: str) -> np.dtype[np.generic]:
    if quantization is None:
        return np.dtype(TYPES[dtype])
    kind = quantization.get("dtype") if isinstance(quantization, dict) else None
    fits = dtype == "float32" or (dtype == "int32" and kind != "float16")
    if not isinstance(kind, str) or kind not in QUANTIZED or not fits:
        raise _refuse_manifest(f"the weight {name[:80]!r} has the quantization {ascii(quantization)[:80]}.", where)
    return np.dtype(QUANTIZED[kind])


def _restore(levels: Array, dtype: str, quantization: JsonValue, name: str, where: str) -> Array:
    """Undo quantization in double precision and round once, as TF.js does (its numbers are doubles)."""
    if not isinstance(quantization, dict) or quantization.get("dtype") == "float16":
        if dtype == "bool" and levels.size and levels.max() > 1:
            raise _refuse_manifest(f"the weight {name[:80]!r} of type bool holds other bytes than 0 and 1.", where)
        return levels.astype(np.float32 if dtype == "float32" else levels.dtype.newbyteorder("="))
    scale, low = quantization.get("scale"), quantization.get("min")
    numbers = [float(number) for number in (scale, low) if isinstance(number, int | float) and abs(number) < LARGEST]
    if len(numbers) != 2 or isinstance(scale, bool) or isinstance(low, bool):
        raise _refuse_manifest(f"the weight {name[:80]!r} is quantized without finite scale and min.", where)
    values = levels.astype(np.float64) * numbers[0] + numbers[1]
    if dtype == "float32":
        with np.errstate(over="ignore"):  # an overflow gives infinity, which the weight check refuses by name
            return values.astype(np.float32)
    if values.size and np.abs(values).max() >= 2**31 - 1:
        raise _refuse_manifest(f"the weight {name[:80]!r} does not fit into int32.", where)
    return np.floor(values + 0.5).astype(np.int32)  # as Math.round


def _refuse_manifest(what: str, where: str) -> FindingsError:
    return refuse("E-CONVERT-MANIFEST", where, what, MANIFEST_FIX)
