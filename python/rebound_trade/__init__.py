"""Regional export resilience: resilience, complexity, relatedness and regressions on tables of regions and products.

Tables go in as they are (pandas, Polars, pyarrow, DuckDB, whatever speaks Arrow's C interface, or the path of a file) and
come out in the same library; of a path, in pandas where that is installed, else in Polars or pyarrow. What the library
says goes to `logging.getLogger("rebound_trade")`, what looks misread is a `ReboundWarning`, and `messages` keeps both.
"""

from . import plot
from ._convert import Converted, convert
from ._errors import Error, InputError, ReboundWarning
from ._estimate import Estimate, Estimates, estimate, etable
from ._files import Init, init, preview, read
from ._lake import Difference, Lake, open
from ._logs import Message, Messages, messages
from ._measure import measure, variety
from ._resilience import Resilience, resilience
from ._run import CheckFailed, Plan, Run, plan, run

__all__ = [
    "CheckFailed",
    "Converted",
    "Difference",
    "Error",
    "Estimate",
    "Estimates",
    "Init",
    "InputError",
    "Lake",
    "Message",
    "Messages",
    "Plan",
    "ReboundWarning",
    "Resilience",
    "Run",
    "convert",
    "estimate",
    "etable",
    "init",
    "measure",
    "messages",
    "open",
    "plan",
    "plot",
    "preview",
    "read",
    "resilience",
    "run",
    "variety",
]
