"""Programs of torch.export (`.pt2`) → ONNX by torch.onnx. Runs in the torch environment."""

from pathlib import Path
from typing import Final

import numpy as np
import torch

from webipred.convert.frameworks.worker import Exported, Numbers
from webipred.convert.target import ConversionTarget
from webipred.errors import refuse

CONVERTER: Final = f"torch-export/torch-{torch.__version__}"


def export(path: Path, folder: Path, target: ConversionTarget) -> Exported:
    """Load the program and translate it. Raises FindingsError."""
    try:
        program = torch.export.load(str(path))
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        what = f"PyTorch cannot read the file as a program of torch.export ({type(error).__name__})."
        raise refuse("E-CONVERT-FORMAT", target.where, what, "Save it with torch.export.save.") from error
    shape = (1, target.channels, target.height, target.width)
    module = program.module()
    translated = torch.onnx.export(program, dynamo=True, optimize=True)
    network: bytes = translated.model_proto.SerializeToString()

    def run(image: Numbers) -> Numbers:
        with torch.no_grad():
            return np.asarray(module(torch.from_numpy(image)))

    return Exported(network=network, run=run, shape=shape)
