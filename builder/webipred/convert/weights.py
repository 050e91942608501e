"""Weights of Keras layers: what a layer expects, and how a store hands it out, once and completely."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from webipred.convert.graph import Array
from webipred.errors import FindingsError, refuse

OTHER_EXPORT: Final = "The weights do not belong to this topology; export the model again."


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSpec:
    """One weight that a layer has: its Keras name (with older names) and shape, in the order of creation."""

    name: str
    shape: tuple[int, ...]
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that stands for this weight."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerAddress:
    """Where a layer stands: names from the outermost submodel inwards, and folders of a Keras 3 weights file."""

    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def part(self, name: str) -> "LayerAddress":
        """Return the address of a layer that another one is made of; Keras 3 calls its folder after its purpose."""
        folder = f"{name.removeprefix('attention_')}_dense"
        return LayerAddress(names=(*self.names, name), folders=(*self.folders, folder))


class WeightStore(Protocol):
    """The weights of one file, by layer; implemented once per container format."""

    def take(self, address: LayerAddress, specs: Sequence[WeightSpec], where: str) -> Mapping[str, Array]:
        """Return the arrays of a layer by `WeightSpec.name`; every array is given out once."""

    def list_untaken(self) -> list[str]:
        """Name the weights that no layer took."""


@dataclass(slots=True)
class WeightTable:
    """Weights named `prefix/leaf`, as TF.js and one group of a legacy HDF5 file have them."""

    by_prefix: dict[str, dict[str, Array]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def add(self, name: str, value: Array, where: str) -> None:
        """Add one weight, for instance `conv1/kernel` or `conv1/kernel:0`. Raises FindingsError for a second one."""
        prefix, _, leaf = name.removesuffix(":0").rpartition("/")
        leaves = self.by_prefix.setdefault(prefix, {})
        if leaf in leaves:
            raise refuse("E-CONVERT-WEIGHTS", where, f"the weight {name!r} stands twice.", OTHER_EXPORT)
        leaves[leaf] = value

    def take(self, names: Sequence[str], specs: Sequence[WeightSpec], where: str) -> Mapping[str, Array]:
        """Return the weights of the layer `names[-1]` inside the submodels `names[:-1]`."""
        prefix = self._find_prefix(names, where)
        if prefix is None:
            raise missing_weights(specs, where)
        if prefix in self.taken:
            raise refuse(
                "E-CONVERT-WEIGHTS", where, f"another layer already uses the weights {prefix!r}.", OTHER_EXPORT
            )
        self.taken.add(prefix)
        return match_names(self.by_prefix[prefix], specs, where)

    def list_untaken(self) -> list[str]:
        """Name the weights that no layer took."""
        return [
            f"{prefix}/{leaf}"
            for prefix, leaves in self.by_prefix.items()
            if prefix not in self.taken
            for leaf in leaves
        ]

    def _find_prefix(self, names: Sequence[str], where: str) -> str | None:
        for start in range(len(names)):
            exact = "/".join(names[start:])
            if exact in self.by_prefix:
                return exact
        endings = [prefix for prefix in self.by_prefix if prefix.endswith("/" + names[-1])]
        if len(endings) > 1:
            what = f"the weights of this layer may be {endings[0]!r} or {endings[1]!r}."
            raise refuse("E-CONVERT-WEIGHTS", where, what, "Give every layer its own name and export again.")
        return endings[0] if endings else None


def match_names(present: Mapping[str, Array], specs: Sequence[WeightSpec], where: str) -> dict[str, Array]:
    """Return the arrays by spec name; every spec and every array must find its partner."""
    found: dict[str, Array] = {}
    for spec in specs:
        for name in spec.names:
            if name in present:
                found[spec.name] = check_weight(present[name], spec, where)
                break
    lacking = [spec for spec in specs if spec.name not in found]
    if lacking:
        raise missing_weights(lacking, where)
    known = {name for spec in specs for name in spec.names}
    surplus = sorted(set(present) - known)
    if surplus or len(found) < len(present):
        raise surplus_weights(surplus or sorted(present), where)
    return found


def match_order(present: Sequence[Array], specs: Sequence[WeightSpec], where: str) -> dict[str, Array]:
    """Return the arrays by spec name where the file only numbers them."""
    if len(present) < len(specs):
        raise missing_weights(specs[len(present) :], where)
    if len(present) > len(specs):
        raise surplus_weights([str(number) for number in range(len(specs), len(present))], where)
    return {spec.name: check_weight(value, spec, where) for value, spec in zip(present, specs, strict=True)}


def check_weight(value: Array, spec: WeightSpec, where: str) -> Array:
    """Return the weight as float32 (integers stay). Raises FindingsError for another shape or NaN and infinity."""
    if value.shape != spec.shape:
        what = f"the weight {spec.name} has the shape {list(value.shape)}, the layer needs {list(spec.shape)}."
        raise refuse("E-CONVERT-WEIGHTS-SHAPE", where, what, OTHER_EXPORT)
    if value.dtype.kind not in "fiub":
        raise refuse("E-CONVERT-WEIGHTS", where, f"the weight {spec.name} has the type {value.dtype}.", OTHER_EXPORT)
    if value.dtype.kind != "f":
        return value
    number = value.astype(np.float32, copy=False)
    if not np.isfinite(number).all():
        what = f"the weight {spec.name} holds NaN or infinity."
        raise refuse("E-CONVERT-NAN", where, what, "The training diverged or the file is damaged; get other weights.")
    return number


def missing_weights(specs: Iterable[WeightSpec], where: str) -> FindingsError:
    """Return the refusal of a layer whose weights are not in the file."""
    names = ", ".join(spec.name for spec in specs)
    return refuse("E-CONVERT-WEIGHTS-MISSING", where, f"the file holds no weight {names} for this layer.", OTHER_EXPORT)


def surplus_weights(names: Sequence[str], where: str) -> FindingsError:
    """Return the refusal of weights that nothing uses."""
    shown = ", ".join(ascii(name[:80]) for name in names[:5]) + (
        f" and {len(names) - 5} more" if len(names) > 5 else ""
    )
    return refuse("E-CONVERT-WEIGHTS-UNUSED", where, f"the topology does not use the weights {shown}.", OTHER_EXPORT)
