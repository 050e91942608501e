"""TF.js Layers: a zip of model.json and weight shards, as TensorFlow.js Converter writes and Zenodo serves it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

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
    if not isinstance(document, dict) or not isinstance(document.get("modelTopology"), dict):
        raise refuse("E-CONVERT-FORMAT", where, "it has no modelTopology, so it is not a TF.js Layers model.", MANIFEST_FIX)
    if document.get("format") == "graph-model":
        raise refuse("E-CONVERT-FORMAT", where, "it is a TF.js graph model, not a Layers model.", "Set format: tfjs-graph.")
    topology = document["modelTopology"]
    assert isinstance(topology, dict)
    folder = PurePosixPath(name).parent
    shards = {PurePosixPath(member).name: data for member, data in members.items() if PurePosixPath(member).parent == folder}
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
        "E-CONVERT-FORMAT", where, f"the archive holds no model.json, but {shown}.", "Check source.file and format of the entry."
    )


def read_manifest(manifest: JsonValue, shards: Mapping[str, bytes], where: str) -> WeightTable:
    """Return all weights of a weightsManifest; `shards` are the files beside model.json. Raises FindingsError."""
    table = WeightTable()
    if not isinstance(manifest, list):
        raise _refuse_manifest("weightsManifest is missing or not a list.", where)
    used: set[str] = set()
    for group in manifest:
        if not isinstance(group, dict) or not isinstance(group.get("weights"), list):
            raise _refuse_manifest("a weight group has no list of weights.", where)
        data = memoryview(_join_shards(group.get("paths"), shards, used, where))
        weights = group["weights"]
        assert isinstance(weights, list)
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
    for path in paths:
        if not isinstance(path, str) or path != PurePosixPath(path).name or set(path) & set("\\:%?#") or path in ("", "..", "."):
            raise _refuse_manifest(f"the path {ascii(path)[:80]} is not a plain file name.", where)
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
        raise _refuse_manifest(f"the weight {ascii(name)[:80]} has the type {ascii(dtype)[:40]}, which is not read.", where)
    sides = [side for side in shape if isinstance(side, int) and not isinstance(side, bool) and side >= 0] if isinstance(shape, list) else []
    if not isinstance(shape, list) or len(sides) != len(shape) or len(shape) > 8:
        raise _refuse_manifest(f"the weight {name[:80]!r} has the shape {str(shape)[:80]}.", where)
    quantization = fields.get("quantization")
    stored = _stored_type(name, dtype, quantization, where)
    end = offset + math.prod(sides) * stored.itemsize
    if end > len(data):
        raise _refuse_manifest(f"the weight {name[:80]!r} needs {end} bytes, its shards hold {len(data)}.", where)
    levels = np.frombuffer(data[offset:end], stored).reshape(sides)
    return name, _restore(levels, dtype, quantization, name, where), end


def _stored_type(name: str, dtype: str, quantization: JsonValue, where: str) -> np.dtype[np.generic]:
    if quantization is None:
        return np.dtype(TYPES[dtype])
    kind = quantization.get("dtype") if isinstance(quantization, dict) else None
    if not isinstance(kind, str) or kind not in QUANTIZED or dtype == "bool" or (kind == "float16" and dtype != "float32"):
        raise _refuse_manifest(f"the weight {name[:80]!r} has the quantization {ascii(quantization)[:80]}.", where)
    return np.dtype(QUANTIZED[kind])


def _restore(levels: Array, dtype: str, quantization: JsonValue, name: str, where: str) -> Array:
    """Undo quantization in double precision and round once, as TF.js does (its numbers are doubles)."""
    if not isinstance(quantization, dict) or quantization.get("dtype") == "float16":
        if dtype == "bool" and levels.size and levels.max() > 1:
            raise _refuse_manifest(f"the weight {name[:80]!r} of type bool holds other bytes than 0 and 1.", where)
        return levels.astype(np.float32 if dtype == "float32" else levels.dtype.newbyteorder("="))
    scale, low = quantization.get("scale"), quantization.get("min")
    if not _is_number(scale) or not _is_number(low):
        raise _refuse_manifest(f"the weight {name[:80]!r} is quantized without finite scale and min.", where)
    assert isinstance(scale, int | float)
    assert isinstance(low, int | float)
    with np.errstate(over="ignore"):  # an overflow gives infinity, which the weight check refuses by name
        values = levels.astype(np.float64) * float(scale) + float(low)
        return values.astype(np.float32) if dtype == "float32" else np.floor(values + 0.5).clip(-(2**31), 2**31 - 1).astype(np.int32)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _refuse_manifest(what: str, where: str) -> FindingsError:
    return refuse("E-CONVERT-MANIFEST", where, what, MANIFEST_FIX)
