"""What the library says, handed to `logging` and `warnings`."""

import logging
import os
import sys
import warnings

from ._errors import ReboundWarning

logger = logging.getLogger("rebound_trade")
logger.addHandler(logging.NullHandler())

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _level_of_caller() -> int:
    """The `stacklevel` at which a warning is of the first line outside the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_HERE):
        level, frame = level + 1, frame.f_back
    return level


def say(is_warning: bool, text: str) -> None:
    """Takes a message of the library, on the thread that called it."""
    if is_warning:
        warnings.warn(text, ReboundWarning, stacklevel=_level_of_caller())
    else:
        logger.info(text)
