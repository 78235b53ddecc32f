"""Regional export resilience: resilience, complexity, relatedness and regressions on tables of regions and products.

Tables go in as they are (pandas, Polars, pyarrow, DuckDB, whatever speaks Arrow's C interface, or the path of a file) and
come out in the same library. What the library says goes to `logging.getLogger("rebound_trade")`, what looks misread is
a `ReboundWarning`.
"""

from ._convert import Converted, convert
from ._errors import Error, InputError, ReboundWarning
from ._measure import measure, variety
from ._resilience import Resilience, resilience

__all__ = [
    "Converted",
    "Error",
    "InputError",
    "ReboundWarning",
    "Resilience",
    "convert",
    "measure",
    "resilience",
    "variety",
]
