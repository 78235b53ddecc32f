"""Keyword arguments as the options of the command line, which are declared once, in the library."""

import os
from collections.abc import Iterable
from typing import Any

from ._errors import InputError

#: More threads than this are asked for by mistake.
_MOST_THREADS = 1024


def _text(value: Any) -> str:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def arguments(**options: Any) -> list[str]:
    """The options as words of a command line.

    `None` and `False` are left out, `True` is a bare flag, lists are joined by commas; `rca_threshold`
    becomes `--rca-threshold`. A trailing `_` is not part of a name: `where_`.
    """
    words: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        option = "--" + name.rstrip("_").replace("_", "-")
        if value is True:
            words.append(option)
        elif isinstance(value, dict):
            words.append(f"{option}={','.join(f'{key}={_text(of)}' for key, of in value.items())}")
        elif isinstance(value, Iterable) and not isinstance(value, (str, bytes, os.PathLike)):
            words.append(f"{option}={','.join(_text(one) for one in value)}")
        else:
            words.append(f"{option}={_text(value)}")
    return words


def word(value: bool | None) -> str | None:
    """A setting that is `true` or `false`, not a flag."""
    return None if value is None else str(bool(value)).lower()


def name(value: str | None) -> str | None:
    """A choice, as the command line writes it: `leave_out` is `leave-out`."""
    return None if value is None else value.replace("_", "-")


def names(values: Iterable[str] | str | None) -> list[str] | None:
    """Choices, as the command line writes them."""
    if values is None:
        return None
    return [value.replace("_", "-") for value in ([values] if isinstance(values, str) else values)]


def file(frame: Any) -> list[str]:
    """The words that name the file, or stand for a frame."""
    if not isinstance(frame, (str, os.PathLike)):
        return ["--", "frame"]
    path = os.fspath(frame)
    if not path:
        raise InputError("the path is empty: name a file, or give a table")
    return ["--", path]


def n_threads(value: Any) -> int:
    """How many threads; 0: one a core."""
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not is_whole or not 0 <= int(value) <= _MOST_THREADS:
        raise InputError(f"threads={value!r}: expected a whole number from 0 (one a core) to {_MOST_THREADS}")
    return int(value)
