"""TorchScript → ONNX by torch.onnx. Runs in the torch environment."""

import io
from pathlib import Path
from typing import Final

import numpy as np
import torch

from webipred.convert.frameworks.worker import Exported, Numbers
from webipred.convert.target import ConversionTarget
from webipred.errors import refuse

CONVERTER: Final = f"torchscript/torch-{torch.__version__}"
EXPORT_OPSET: Final = 18


def export(path: Path, folder: Path, target: ConversionTarget) -> Exported:
    """Load the script and trace it for one image of the entry's size. Raises FindingsError."""
    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        what = f"PyTorch cannot read the file as TorchScript ({type(error).__name__})."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Check source.file and format.") from error
    shape = (1, target.channels, target.height, target.width)
    stream = io.BytesIO()
    with torch.no_grad():
        # TorchScript is what the older exporter was made for; the newer one does not take it.
        torch.onnx.export(module, (torch.zeros(shape),), stream, opset_version=EXPORT_OPSET, dynamo=False)

    def run(image: Numbers) -> Numbers:
        with torch.no_grad():
            return np.asarray(module(torch.from_numpy(image)))

    return Exported(network=stream.getvalue(), run=run, shape=shape)
