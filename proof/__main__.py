"""`python -m proof --site dist --out report/`: run the proof on a built site and write its report."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "builder")]  # the driver of Firefox is shared with the tests

from proof.command import main  # noqa: E402  after the path

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ROOT))
