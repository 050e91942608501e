"""Run plans with wasmtime: the same engine file, the same plan and the same bits as in the browser."""

import ctypes
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import wasmtime
from numpy.typing import NDArray

from webipred.engine.compiler.plan_format import Status
from webipred.engine.compiler.plan_reading import PlanError, check_plan

__all__ = ["Instance", "Network", "PlanError"]

PORT_WORDS = 8
WHOLE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledModule:
    """The engine as wasmtime compiled it."""

    engine: wasmtime.Engine
    module: wasmtime.Module


@lru_cache(maxsize=4)
def compile_module(wasm: bytes, relaxed_deterministic: bool) -> CompiledModule:
    """Compile the engine once per process; `relaxed_deterministic` fuses relaxed multiply-adds on any processor."""
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    config.wasm_relaxed_simd_deterministic = relaxed_deterministic
    engine = wasmtime.Engine(config)
    return CompiledModule(engine=engine, module=wasmtime.Module(engine, wasm))


class Instance:
    """The engine with its memory: reserve, write, call."""

    def __init__(self, wasm: bytes, *, relaxed_deterministic: bool = False) -> None:
        """Start the engine; the module is compiled once per process."""
        compiled = compile_module(wasm, relaxed_deterministic)
        self._store = wasmtime.Store(compiled.engine)
        self._exports = wasmtime.Instance(self._store, compiled.module, []).exports(self._store)
        memory = self._exports["memory"]
        if not isinstance(memory, wasmtime.Memory):
            raise TypeError("the module exports no memory")
        self._memory = memory

    def call(self, name: str, *arguments: int) -> int:
        """Call an export with 32-bit words and return its result as a non-negative integer."""
        function = self._exports[name]
        if not isinstance(function, wasmtime.Func):
            raise TypeError(f"the module exports no function {name}")
        result = function(self._store, *(ctypes.c_int32(value).value for value in arguments))
        return int(result) if isinstance(result, float) else ctypes.c_uint32(result or 0).value

    def place(self, data: bytes) -> int:
        """Reserve memory, copy bytes into it and return where they are. Raises PlanError when memory is short."""
        place = self.call("reserve", max(len(data), 1))
        if place == 0:
            raise PlanError(Status.MEMORY, len(data))
        self.write(place, data)
        return place

    def write(self, place: int, data: bytes) -> None:
        """Copy bytes into memory."""
        self._memory.write(self._store, data, place)

    def read(self, place: int, size: int) -> bytes:
        """Copy bytes out of memory."""
        return bytes(self._memory.read(self._store, place, place + size))


class Network:
    """One loaded plan in its own instance of the engine. Not thread-safe; a run overwrites the last one's memory."""

    def __init__(self, wasm: bytes, plan: bytes, *, relaxed_deterministic: bool = False) -> None:
        """Load a plan. Raises PlanError: Python looks at its structure first, the engine then checks all of it."""
        check_plan(plan)
        self._instance = Instance(wasm, relaxed_deterministic=relaxed_deterministic)
        self._words = self._instance.place(bytes(PORT_WORDS * 4))
        status = Status(self._instance.call("net_load", self._instance.place(plan), len(plan)))
        if status != Status.OK:
            raise PlanError(status, self.need_bytes)

    @property
    def need_bytes(self) -> int:
        """Bytes that the plan needs in memory beside itself."""
        return self._instance.call("net_need")

    @property
    def operators(self) -> int:
        """Number of kernel calls of one run."""
        return self._instance.call("net_operators")

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        count = 0
        while self._instance.call("net_port", count + 1, self._words) == Status.OK:
            count += 1
        return count

    def run(self, image: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Return all outputs for an input of the plan's shape. Raises ValueError for another shape."""
        place, shape = self._port(0)
        if image.shape != shape:
            raise ValueError(f"the plan wants an input of shape {shape}, not {image.shape}")
        self._instance.write(place, np.ascontiguousarray(image, "<f4").tobytes())
        status = Status(self._instance.call("net_run", 0, WHOLE))
        if status != Status.OK:
            raise PlanError(status)
        return tuple(self._read_output(index) for index in range(self.outputs))

    def _read_output(self, index: int) -> NDArray[np.float32]:
        place, shape = self._port(1 + index)
        data = self._instance.read(place, int(np.prod(shape)) * 4)
        return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)

    def _port(self, port: int) -> tuple[int, tuple[int, ...]]:
        status = Status(self._instance.call("net_port", port, self._words))
        if status != Status.OK:
            raise PlanError(status)
        words = np.frombuffer(self._instance.read(self._words, PORT_WORDS * 4), "<u4")
        return int(words[0]), tuple(int(size) for size in words[2 : 2 + words[1]])
