"""Run preprocessing programs in the engine's WebAssembly module, the same bytes that run in the browser."""

from typing import Final

import numpy
import wasmtime
from numpy.typing import NDArray

from webipred.engine.status import explain_status
from webipred.errors import FindingsError, refuse

ABI_VERSION: Final = 1
MEMORY_LIMIT_BYTES: Final = 2 << 30
FUEL: Final = 100_000_000_000
"""Instructions that one image may cost, about a minute; the largest image of the budget needs far less."""

RESULT_BYTES: Final = 16
EXPORTS: Final = frozenset({"memory", "reserve", "reset", "preprocess", "abi_version"})


class Preprocessor:
    """One compiled engine; every run gets a fresh instance, so nothing of an image stays behind."""

    def __init__(self, wasm: bytes) -> None:
        """Compile the module. Raises FindingsError (E-ENGINE-MODULE) when the bytes are not this engine."""
        config = wasmtime.Config()
        config.consume_fuel = True
        self._engine = wasmtime.Engine(config)
        try:
            self._module = wasmtime.Module(self._engine, wasm)
        except wasmtime.WasmtimeError as error:
            raise _refuse_module("these bytes are no WebAssembly module that wasmtime accepts") from error
        if {export.name for export in self._module.exports} != EXPORTS or self._module.imports:
            raise _refuse_module("the module has other exports or imports than the engine has")
        version = _Instance(self._engine, self._module).call("abi_version")
        if version != ABI_VERSION:
            raise _refuse_module(f"the engine has ABI version {version}, this package speaks {ABI_VERSION}")

    def run(self, program: bytes, image: NDArray[numpy.uint8]) -> NDArray[numpy.float32]:
        """Return the tensor that `program` makes of `image`: float32, (height, width, channels).

        `image` is uint8, (height, width, channels) with 1 or 3 channels. Raises FindingsError (E-PREPROCESS-…).
        """
        if image.dtype != numpy.uint8 or image.ndim != 3:
            raise TypeError(f"the image must be uint8 (height, width, channels), not {image.dtype} {image.shape}")
        try:
            return _Instance(self._engine, self._module).preprocess(program, image)
        except wasmtime.Trap as error:
            what = "The engine used up its instructions or stopped for another reason."
            raise refuse("E-PREPROCESS-STOPPED", "preprocessing", what, "Use a smaller image.") from error


class _Instance:
    """One instance with its own store, memory limit and fuel."""

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module) -> None:
        self._store = wasmtime.Store(engine)
        self._store.set_limits(memory_size=MEMORY_LIMIT_BYTES)
        self._store.set_fuel(FUEL)
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        memory = self._exports["memory"]
        if not isinstance(memory, wasmtime.Memory):
            raise _refuse_module("the module exports no memory")
        self._memory = memory

    def call(self, name: str, *arguments: int) -> int:
        function = self._exports[name]
        if not isinstance(function, wasmtime.Func):
            raise _refuse_module(f"the module exports no function {name}")
        return int(function(self._store, *arguments)) & 0xFFFFFFFF

    def preprocess(self, program: bytes, image: NDArray[numpy.uint8]) -> NDArray[numpy.float32]:
        program_at = self._place(program)
        image_at = self._place(image.tobytes())
        result_at = self._place(bytes(RESULT_BYTES))
        status = self.call("preprocess", program_at, len(program), image_at, *image.shape, result_at)
        if status:
            raise explain_status(status)
        data, height, width, channels = numpy.frombuffer(self._read(result_at, RESULT_BYTES), "<u4").tolist()
        values = numpy.frombuffer(self._read(data, 4 * height * width * channels), "<f4")
        return values.astype(numpy.float32).reshape(height, width, channels)

    def _place(self, data: bytes) -> int:
        offset = self.call("reserve", max(len(data), 1))
        if offset == 0:
            raise refuse(
                "E-PREPROCESS-MEMORY",
                "preprocessing",
                "The image needs more memory than the engine may use.",
                "Use a smaller image.",
            )
        self._memory.write(self._store, data, offset)
        return offset

    def _read(self, start: int, size: int) -> bytes:
        return bytes(self._memory.read(self._store, start, start + size))


def _refuse_module(what: str) -> FindingsError:
    return refuse("E-ENGINE-MODULE", "engine.wasm", f"{what}.", "Reinstall webipred, or rebuild its assets.")
