"""Every finding code in the source is documented, and every documented code exists.

Python is read by its syntax tree, TypeScript by its quoted literals and the locales by their keys, so that comments and
docstrings neither add a code nor stand in for one.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDER = Path("builder/webipred")
APP = Path("site_templates/app")
LOCALES = Path("site_templates/locales")
REFERENCE = Path("docs/findings.md")

CODE = r"[EWN]-[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*"
BEGINNING = re.compile(r"[EWN]-(?:[A-Z0-9]+-?)*")
ROW = re.compile(rf"^\| `({CODE})` \|(.*)\|$", re.MULTILINE)
QUOTED = re.compile(rf"""(["'`])({CODE})\1""")
TEMPLATE = re.compile(r"""`[EWN]-[A-Z0-9-]*\$\{|["'`][EWN]-[A-Z0-9-]*["'`]\s*\+""")
SENTENCE = re.compile(rf"app\.(?:error|load)\.({CODE})(?:\.[a-z]+)?")


def find_codes_in_python(source: str) -> set[str]:
    """Return the texts in a module that are a code as a whole."""
    texts = (_read_text(node) for node in ast.walk(ast.parse(source)))
    return {text for text in texts if re.fullmatch(CODE, text)}


def find_codes_in_typescript(source: str) -> set[str]:
    """Return the quoted literals in a module that are a code as a whole."""
    return {code for _, code in QUOTED.findall(source)}


def find_codes_in_locale(source: str) -> set[str]:
    """Return the codes that have a sentence of their own; a variant of a sentence counts as its code."""
    matches = (SENTENCE.fullmatch(key) for key in json.loads(source))
    return {match[1] for match in matches if match}


def find_pieces_in_python(source: str) -> list[str]:
    """Return the beginnings of codes whose rest is put together at run time, where no search would find them."""
    pieces: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            pieces += [_read_text(part) for part in node.values[:1]]
        elif isinstance(node, ast.BinOp):
            pieces.append(_read_text(node.left))
    return [piece for piece in pieces if BEGINNING.fullmatch(piece)]


def find_documented_codes(reference: str) -> list[str]:
    """Return the codes of the table rows, in order; a code with two rows stands twice."""
    return [code for code, _ in ROW.findall(reference)]


def read_modules(folder: Path, *extensions: str) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in extensions:
            yield path.read_text(encoding="utf-8")


def _read_text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def list_used_codes(root: Path) -> list[str]:
    used: set[str] = set()
    for source in read_modules(root / BUILDER, ".py"):
        used |= find_codes_in_python(source)
    for source in read_modules(root / APP, ".ts", ".tsx"):
        used |= find_codes_in_typescript(source)
    for source in read_modules(root / LOCALES, ".json"):
        used |= find_codes_in_locale(source)
    return sorted(used)


def list_documented_codes(root: Path) -> list[str]:
    return sorted(find_documented_codes((root / REFERENCE).read_text(encoding="utf-8")))


def test_every_code_in_the_source_has_one_row_and_every_row_a_code_in_the_source() -> None:
    assert list_used_codes(ROOT) == list_documented_codes(ROOT)


def test_no_code_is_put_together_from_pieces() -> None:
    in_python = [piece for source in read_modules(ROOT / BUILDER, ".py") for piece in find_pieces_in_python(source)]
    in_app = [piece for source in read_modules(ROOT / APP, ".ts", ".tsx") for piece in TEMPLATE.findall(source)]
    assert [] == in_python + in_app


def test_every_row_says_where_a_code_comes_from_what_it_means_and_what_to_do() -> None:
    rows = ROW.findall((ROOT / REFERENCE).read_text(encoding="utf-8"))
    incomplete = [code for code, rest in rows if len([cell for cell in rest.split("|") if cell.strip()]) != 3]
    assert [] == incomplete


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """A tree with one documented code in each kind of source."""
    sources = {
        BUILDER / "stage.py": 'code = "E-STAGE"\n',
        APP / "part" / "view.tsx": 'throw new AppError("E-VIEW");\n',
        LOCALES / "en.json": '{"app.error.E-VIEW": "No."}',
        REFERENCE: "| `E-STAGE` | a | b | c |\n| `E-VIEW` | a | b | c |\n",
    }
    for path, source in sources.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, encoding="utf-8")
    return tmp_path


def test_the_small_tree_is_documented(small_root: Path) -> None:
    assert list_used_codes(small_root) == list_documented_codes(small_root)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (BUILDER / "deep" / "new.py", 'raise refuse("E-SEEDED", where, what)\n'),
        (APP / "new.ts", 'throw new AppError("E-SEEDED");\n'),
        (LOCALES / "de.json", '{"app.load.E-SEEDED": "Nein."}'),
    ],
)
def test_a_code_without_a_row_is_noticed(small_root: Path, path: Path, source: str) -> None:
    (small_root / path).parent.mkdir(parents=True, exist_ok=True)
    (small_root / path).write_text(source, encoding="utf-8")
    assert {"E-SEEDED"} == set(list_used_codes(small_root)) - set(list_documented_codes(small_root))


@pytest.mark.parametrize("code", ["E-FORGOTTEN", "E-STAGE"])
def test_a_row_without_a_code_and_a_second_row_are_noticed(small_root: Path, code: str) -> None:
    with (small_root / REFERENCE).open("a", encoding="utf-8") as stream:
        stream.write(f"| `{code}` | a | b | c |\n")
    assert list_used_codes(small_root) != list_documented_codes(small_root)


def test_a_code_of_one_word_and_a_code_in_a_table_are_found_in_python() -> None:
    source = 'fail("E-INTERNAL")\nPROBLEMS = {1: ("W-NEW-CODE", "what")}\n'
    assert {"E-INTERNAL", "W-NEW-CODE"} == find_codes_in_python(source)


def test_codes_that_are_only_mentioned_are_not_found_in_python() -> None:
    source = '"""Raises E-OLD-CODE."""\n# "E-OLD-CODE"\ntext = "see E-OLD-CODE, PRE-E-OLD-CODE"\n'
    assert set() == find_codes_in_python(source)


@pytest.mark.parametrize("literal", ["N-1", "E-", "W-x", "E-lower", "N-A", "SE-CODE", "E-CODE-", "E-CODE text"])
def test_other_literals_are_not_taken_for_codes(literal: str) -> None:
    assert set() == find_codes_in_python(f'x = "{literal}"') | find_codes_in_typescript(f'const x = "{literal}";')


def test_codes_are_found_in_every_kind_of_quotes_in_typescript() -> None:
    source = """fail("E-MEMORY"); fail('E-NEW-CODE'); fail(`E-THIRD`); // throws E-OLD-CODE"""
    assert {"E-MEMORY", "E-NEW-CODE", "E-THIRD"} == find_codes_in_typescript(source)


def test_a_sentence_and_its_variant_are_one_code_in_a_locale() -> None:
    source = '{"app.error.E-ONE": "", "app.error.E-ONE.dicom": "", "app.load.E-TWO": "", "app.load.failed": ""}'
    assert {"E-ONE", "E-TWO"} == find_codes_in_locale(source)


@pytest.mark.parametrize("source", ['f"E-IMAGE-{kind}"', '"W-" + kind'])
def test_a_code_in_pieces_is_found(source: str) -> None:
    assert find_pieces_in_python(source)


@pytest.mark.parametrize("source", ["`E-IMAGE-${kind}`", '"E-IMAGE-" + kind', '"E-" + kind'])
def test_a_code_in_pieces_is_found_in_typescript(source: str) -> None:
    assert TEMPLATE.findall(source)


def test_a_row_is_read_and_a_code_in_a_sentence_is_not() -> None:
    reference = "See `E-OTHER`.\n\n| code | where |\n|---|---|\n| `E-ONE` | `a` | it has `E-TWO` | do |\n"
    assert ["E-ONE"] == find_documented_codes(reference)
