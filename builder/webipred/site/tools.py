"""The Python packages that make the bytes of a site: another version of one may make others."""

from importlib.metadata import version
from typing import Final

_PACKAGES: Final = ("h5py", "numpy", "onnx", "onnxruntime", "pillow", "wasmtime")
"""Reading, converting and compiling networks, reference answers, decoding of samples."""


def list_tools() -> dict[str, str]:
    """Return name → installed version."""
    return {name: version(name) for name in _PACKAGES}
