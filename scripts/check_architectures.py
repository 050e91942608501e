"""Compare the compiled engine with native onnxruntime on full-size architectures with seeded weights; print a table.

    python scripts/check_architectures.py [NAME…]

The default tests do the same with narrower and shallower ones. Needs some 3 GB of memory and a few minutes.
"""

import sys
import time
from pathlib import Path

import numpy as np
import onnx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the architectures are the tests' own

from architectures import FULL, draw_image  # noqa: E402  # found by the line above
from networks import run_reference  # noqa: E402
from webipred.assets import read_asset  # noqa: E402
from webipred.engine.compiler.compilation import compile_network  # noqa: E402
from webipred.engine.network import Network  # noqa: E402

LIMIT = 1e-5


def main() -> None:
    """Compare and print."""
    names = sys.argv[1:] or list(FULL)
    wasm = read_asset("net.wasm")
    print("| | plan, MB | compiled in s | kernels | largest difference | memory, MB |\n|---|---|---|---|---|---|")
    worst = 0.0
    for name in names:
        model = FULL[name]()
        image = draw_image(onnx.load_from_string(model).graph.input[0].type.tensor_type.shape.dim[1].dim_value)
        start = time.process_time()
        compiled = compile_network(model)
        seconds = time.process_time() - start
        network = Network(wasm, compiled.data)
        difference = float(np.abs(run_reference(model, image)[0] - network.run(image)[0]).max())
        worst = max(worst, difference)
        plan, memory = (count / 1e6 for count in (len(compiled.data), len(compiled.data) + network.need_bytes))
        row = (name, f"{plan:.1f}", f"{seconds:.1f}", network.operators, f"{difference:.1e}", f"{memory:.1f}")
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    raise SystemExit(f"the largest difference is {worst:.1e}, more than {LIMIT:g}" if worst > LIMIT else 0)


if __name__ == "__main__":
    main()
