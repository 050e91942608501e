"""Contrast of the design tokens, after WCAG 2.2 (relative luminance of sRGB)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOKENS = (ROOT / "site_templates/styles/tokens.css").read_text(encoding="utf-8")
LIGHT, DARK, PRINT = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\n\s*\}", TOKENS, re.DOTALL)
)
GROUNDS = ("bg", "surface", "surface-2")


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK, LIGHT | PRINT], ids=["light", "dark", "print"])
def test_text_colours_hold_four_and_a_half_to_one(scheme: dict[str, str]) -> None:
    names = ("text", "muted", "accent", "accent-hover", "danger", "warning", "ok")
    weak = [(n, g) for n in names for g in GROUNDS if contrast(scheme[n], scheme[g]) < 4.5]
    assert [] == weak


@pytest.mark.parametrize("scheme", [LIGHT, DARK, LIGHT | PRINT], ids=["light", "dark", "print"])
def test_text_on_soft_grounds_holds_four_and_a_half_to_one(scheme: dict[str, str]) -> None:
    pairs = [(c, f"{g}-soft") for g in ("danger", "warning", "ok", "accent") for c in (g, "text", "muted")]
    pairs += [("accent", "accent-text"), ("accent-hover", "accent-text")]
    assert [] == [pair for pair in pairs if contrast(scheme[pair[0]], scheme[pair[1]]) < 4.5]


@pytest.mark.parametrize("scheme", [LIGHT, DARK, LIGHT | PRINT], ids=["light", "dark", "print"])
def test_controls_and_focus_hold_three_to_one(scheme: dict[str, str]) -> None:
    weak = [(n, g) for n in ("border-strong", "focus") for g in GROUNDS if contrast(scheme[n], scheme[g]) < 3]
    assert [] == weak


def test_styles_use_only_known_tokens() -> None:
    rules = (ROOT / "site_templates/styles/site.css").read_text(encoding="utf-8")
    assert set() == set(re.findall(r"var\(--([\w-]+)\)", rules)) - set(re.findall(r"--([\w-]+):", TOKENS))
