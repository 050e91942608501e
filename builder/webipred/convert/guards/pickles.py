"""Guard of the pickles inside of PyTorch's zip files: opcodes are read, never executed.

A pickle is a program for a small machine; what it may call is decided by the names that it loads. The list below is
what `torch.save` writes for tensors in dictionaries; any other name refuses the file. `torch.load(weights_only=True)`
was broken more than once (CVE-2025-32434), so its list is not relied upon.
"""

import pickletools
from collections.abc import Iterator, Mapping
from typing import Final

from webipred.errors import FindingsError, refuse
from webipred.findings import Finding

MAX_PICKLE_BYTES: Final = 64 << 20
MAX_OPCODES: Final = 2_000_000
LISTED: Final = 20
STORAGES: Final = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
ALLOWED: Final = frozenset(
    [
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "torch Size",
        *(f"torch {kind}Storage" for kind in STORAGES),
        *(f"torch {kind}" for kind in ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool")),
    ]
)
# Other ways to name or build things; no state_dict needs them.
FORBIDDEN: Final = frozenset(["INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "NEXT_BUFFER"])
TEXTS: Final = frozenset(["SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"])
NEUTRAL: Final = frozenset(["MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "FRAME"])
REDUCED: Final = "Save only the weights, as safetensors: safetensors.torch.save_file(model.state_dict(), path)."


def check_torch_zip(members: Mapping[str, bytes], where: str) -> None:
    """Raise FindingsError if a pickle among the members of a torch zip could do more than name tensors.

    E-PICKLE-GLOBAL, -OPCODE, -SIZE, -BROKEN; E-FORMAT-OTHER if there is no pickle at all.
    """
    pickles = [name for name in members if name.endswith(".pkl")]
    if not any(name.endswith("data.pkl") for name in pickles):
        what = "the archive holds no data.pkl, so it is not a file of torch.save."
        raise refuse("E-FORMAT-OTHER", where, what, "Check source.file and format.")
    findings = [finding for name in pickles for finding in _object(members[name], f"{where} member {name[:80]!r}")]
    if findings:
        raise FindingsError(findings[:LISTED])


def check_pickle(data: bytes, where: str) -> None:
    """Raise FindingsError if one pickle loads a name that is not allowed, or is built in another way."""
    findings = list(_object(data, where))
    if findings:
        raise FindingsError(findings[:LISTED])


def _object(data: bytes, where: str) -> Iterator[Finding]:
    if len(data) > MAX_PICKLE_BYTES:
        what = f"the pickle has {len(data)} bytes, the limit is {MAX_PICKLE_BYTES}."
        yield Finding(code="E-PICKLE-SIZE", where=where, what=what, fix=REDUCED)
        return
    try:
        names = sorted(set(_list_names(data)))
    except _OpcodeError as error:
        what = f"the pickle uses {error}, which no state_dict needs; it is never executed."
        yield Finding(code="E-PICKLE-OPCODE", where=where, what=what, fix=REDUCED)
        return
    except (ValueError, IndexError, OverflowError, MemoryError, RecursionError) as error:
        what = f"the pickle cannot be read ({type(error).__name__})."
        yield Finding(code="E-PICKLE-BROKEN", where=where, what=what, fix=REDUCED)
        return
    for name in names:
        if name not in ALLOWED:
            what = f"the pickle would call {name[:120]!a}; it is never executed."
            yield Finding(code="E-PICKLE-GLOBAL", where=where, what=what, fix=REDUCED)


class _OpcodeError(Exception):
    """An opcode outside of what tensors in dictionaries need."""


def _list_names(data: bytes) -> Iterator[str]:
    """Yield "module name" of everything that the pickle loads; STACK_GLOBAL takes the two texts right before it."""
    texts: list[str] = []
    memo: dict[int, str] = {}
    end = 0
    for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        name = opcode.name
        end = (position or 0) + 1
        if count > MAX_OPCODES or name in FORBIDDEN:
            raise _OpcodeError(name if name in FORBIDDEN else f"more than {MAX_OPCODES} opcodes")
        if name == "GLOBAL":
            yield str(argument)
        elif name == "STACK_GLOBAL":
            if len(texts) < 2:
                raise _OpcodeError("STACK_GLOBAL with computed names")
            yield f"{texts[-2]} {texts[-1]}"
        if name in TEXTS:
            texts.append(str(argument))
        elif name == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else ""
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[int(str(argument))] = texts[-1] if texts else ""
        elif name in ("BINGET", "LONG_BINGET", "GET") and memo.get(int(str(argument))):
            texts.append(memo[int(str(argument))])
        elif name not in NEUTRAL:
            texts.clear()
    if end != len(data):
        raise _OpcodeError("bytes behind its end")
