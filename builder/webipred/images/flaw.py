"""What can be wrong with the structure of an image file."""

from typing import Literal

Flaw = Literal["truncated", "broken", "frame", "foreign"]
"""Ends too early; contradicts itself; first frame covers a part only; of a kind that programs decode differently."""
