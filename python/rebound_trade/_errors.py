"""What the package raises and warns of."""


class Error(Exception):
    """Something failed that is not the user's fault: the disk, the network, or Rebound itself."""


class InputError(Error, ValueError):
    """The table, an option or a config makes no sense; the text says what to do."""


class ReboundWarning(UserWarning):
    """What looks misread, or was left out. `warnings.simplefilter("error", ReboundWarning)` makes errors of it."""


Error.__module__ = InputError.__module__ = ReboundWarning.__module__ = "rebound_trade"
