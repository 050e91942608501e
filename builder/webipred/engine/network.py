"""Run plans with wasmtime: the same engine file, the same plan and the same bits as in the browser."""

import ctypes
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import wasmtime
from numpy.typing import NDArray

from webipred.engine.compiler.plan_format import Status
from webipred.errors import FindingsError
from webipred.findings import Finding

PORT_WORDS = 8
WHOLE = 0xFFFFFFFF

EXPLANATIONS = {
    Status.TRUNCATED: "it is shorter than its header says",
    Status.MAGIC: "it is no plan",
    Status.VERSION: "it was made for another version of the engine",
    Status.CHECKSUM: "its bytes were changed",
    Status.SECTION: "a section lies outside the file",
    Status.TENSOR: "a tensor lies outside its memory",
    Status.OPERATOR: "it names an operator that this engine does not have",
    Status.OPERAND: "an operator lacks an operand",
    Status.SHAPE: "the shapes of an operator do not fit",
    Status.PARAMETER: "a parameter of an operator is out of range",
}


class PlanRefused(FindingsError):
    """The engine does not accept a plan or a call; `status` tells why."""

    def __init__(self, status: Status, need_bytes: int = 0) -> None:
        self.status = status
        what = f"the engine refuses the plan: {EXPLANATIONS.get(status, status.name.lower())}"
        if status == Status.MEMORY:
            what = f"the engine needs {need_bytes / 2**20:.0f} MB of memory behind the plan and cannot get them"
        super().__init__([Finding(code="E-ENGINE-PLAN", where="plan", what=f"{what}.", fix="Build the model again.")])


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModule:
    """The engine as wasmtime compiled it."""

    engine: wasmtime.Engine
    module: wasmtime.Module


@lru_cache(maxsize=4)
def compile_module(wasm: bytes, relaxed_deterministic: bool) -> CompiledModule:
    """Compile the engine once per process; `relaxed_deterministic` rounds relaxed operations as unfused ones."""
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    config.wasm_relaxed_simd_deterministic = relaxed_deterministic
    engine = wasmtime.Engine(config)
    return CompiledModule(engine=engine, module=wasmtime.Module(engine, wasm))


class Network:
    """One loaded plan in its own instance of the engine. Not thread-safe; a run overwrites the last one's memory."""

    def __init__(self, wasm: bytes, plan: bytes, *, relaxed_deterministic: bool = False) -> None:
        """Load a plan. Raises PlanRefused."""
        module = compile_module(wasm, relaxed_deterministic)
        self._store = wasmtime.Store(module.engine)
        instance = wasmtime.Instance(self._store, module.module, [])
        exports = instance.exports(self._store)
        self._exports = exports
        self._memory = exports["memory"]
        self._words = self._reserve(PORT_WORDS * 4)
        place = self._reserve(len(plan))
        self._memory.write(self._store, plan, place)
        status = Status(self._call("net_load", place, len(plan)))
        if status != Status.OK:
            raise PlanRefused(status, int(self._call("net_need")))

    @property
    def need_bytes(self) -> int:
        """Bytes that the plan needs in memory beside itself."""
        return int(self._call("net_need"))

    @property
    def operators(self) -> int:
        """Number of kernel calls of one run."""
        return int(self._call("net_operators"))

    def run(self, image: NDArray[np.float32], first: int = 0, end: int = WHOLE) -> tuple[NDArray[np.float32], ...]:
        """Return all outputs for an input of the plan's shape; `first` and `end` bound the kernel calls, for profiles."""
        place, shape = self._port(0)
        if image.shape != shape:
            raise ValueError(f"the plan wants an input of shape {shape}, not {image.shape}")
        self._memory.write(self._store, np.ascontiguousarray(image, "<f4").tobytes(), place)
        self.run_part(first, end)
        return tuple(self.read_output(index) for index in range(self.outputs))

    def run_part(self, first: int, end: int) -> None:
        """Run some kernel calls on what is in memory."""
        status = Status(self._call("net_run", signed(first), signed(end)))
        if status != Status.OK:
            raise PlanRefused(status)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        count = 0
        while self._call("net_port", count + 1, self._words) == Status.OK:
            count += 1
        return count

    def read_output(self, index: int) -> NDArray[np.float32]:
        """Return a copy of one output as the last run left it."""
        place, shape = self._port(1 + index)
        data = self._memory.read(self._store, place, place + int(np.prod(shape)) * 4)
        return np.frombuffer(bytes(data), "<f4").reshape(shape).astype(np.float32)

    def _port(self, port: int) -> tuple[int, tuple[int, ...]]:
        status = Status(self._call("net_port", port, self._words))
        if status != Status.OK:
            raise PlanRefused(status)
        words = np.frombuffer(bytes(self._memory.read(self._store, self._words, self._words + PORT_WORDS * 4)), "<u4")
        return int(words[0]), tuple(int(size) for size in words[2 : 2 + words[1]])

    def _reserve(self, size: int) -> int:
        place = ctypes.c_uint32(int(self._call("reserve", signed(size)))).value
        if place == 0:
            raise PlanRefused(Status.MEMORY, size)
        return place

    def _call(self, name: str, *arguments: int) -> float:
        result = self._exports[name](self._store, *arguments)
        return float(result) if isinstance(result, float) else int(result)


def signed(value: int) -> int:
    """Return a 32-bit word as wasmtime takes it."""
    return ctypes.c_int32(value).value
