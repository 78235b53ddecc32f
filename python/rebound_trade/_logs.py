"""What the library says, handed to `logging` and `warnings`, and to who listens."""

from __future__ import annotations

import html
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ._errors import ReboundWarning

logger = logging.getLogger("rebound_trade")
logger.addHandler(logging.NullHandler())

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


@dataclass(frozen=True)
class Message:
    """What a call said: its text, and whether it warns of something."""

    text: str
    is_warning: bool

    def __str__(self) -> str:
        return f"warning: {self.text}" if self.is_warning else self.text


class Messages(list[Message]):
    """What was said, in order; as text a line each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


_LISTENING: ContextVar[tuple[Messages, ...]] = ContextVar("rebound_trade_listening", default=())


@contextmanager
def messages() -> Iterator[Messages]:
    """What calls say while this is open: what was taken for what, and which rows were left out, with their count and
    value.

    It is also logged and warned of, as without it.

    >>> with rb.messages() as said:
    ...     regions = rb.resilience(df, base=2008, trough=2009, end=2011)
    >>> print(said)
    """
    said = Messages()
    token = _LISTENING.set((*_LISTENING.get(), said))
    try:
        yield said
    finally:
        _LISTENING.reset(token)


def _level_of_caller() -> int:
    """The `stacklevel` at which a warning is of the first line outside the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level


def say(is_warning: bool, text: str) -> None:
    """Takes a message of the library, on the thread that called it."""
    for said in _LISTENING.get():
        said.append(Message(text, is_warning))
    if is_warning:
        warnings.warn(text, ReboundWarning, stacklevel=_level_of_caller())
    else:
        logger.info(text)
