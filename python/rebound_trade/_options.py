"""Keyword arguments as the options of the command line, which are declared once, in the library."""

import difflib
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar, get_type_hints

from ._errors import InputError

#: A function that reads a file.
Reads = TypeVar("Reads", bound=Callable[..., Any])


class Reading(TypedDict, total=False):
    """How a file is read, where that is not seen in it: keywords of every function that reads one.

    Each may be ``None``, which leaves it to be seen.
    """

    #: The form of the file, whatever it looks like.
    form: Literal["csv", "eurostat", "excel", "json", "parquet", "arrow", "dta"] | None
    #: The mark between fields of a text: one character, or ``tab``.
    delimiter: str | None
    #: The mark around fields that hold marks, or ``none``.
    quote: str | None
    #: The characters of texts: ``utf-8``, ``gb18030``, ``latin1``, ``utf-16le`` ...
    encoding: str | None
    #: The mark before the fraction of a number.
    decimal: str | None
    #: The mark between groups of digits, ``space`` or ``none``.
    thousands: str | None
    #: The sheet of a workbook, by its name.
    sheet: str | None
    #: The key of the array of rows in JSON, with points between levels.
    key: str | None
    #: Lines above the header.
    skip: int | None
    #: Whether there is a row of names; without, columns are ``column 1`` and so on.
    header: bool | None
    #: What stands for a missing value, in every column.
    missing: Sequence[str] | str | None
    #: Whether letters behind numbers are flags, which are left out.
    flags: bool | None
    #: Types of columns by name: ``text``, ``int``, ``double``, ``boolean``, ``label``.
    types: Mapping[str, str] | None


def reads(function: Reads) -> Reads:
    """Gives a function whose last keywords are ``**read: Unpack[Reading]`` a signature that names
    each of them. Others are refused, with the nearest that there is."""
    signature = inspect.signature(function)
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [of for of in signature.parameters.values() if of.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [
        inspect.Parameter(name, kind, default=None, annotation=hint)
        for name, hint in get_type_hints(Reading).items()
    ]
    whole = signature.replace(parameters=[*own, *more])

    @functools.wraps(function)
    def called(*arguments: Any, **keywords: Any) -> Any:
        unknown = next((name for name in keywords if name not in whole.parameters), None)
        if unknown is not None:
            near = difflib.get_close_matches(unknown, whole.parameters, n=1)
            hint = f": did you mean `{near[0]}`?" if near else ""
            raise TypeError(f"{function.__name__}() has no keyword `{unknown}`{hint}")
        return function(*arguments, **keywords)

    called.__signature__ = whole  # type: ignore[attr-defined]
    return called  # type: ignore[return-value]


def reading(read: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of reading as options, whose yes and no are words."""
    return {name: word(value) if name in ("header", "flags") else value for name, value in read.items()}

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
