# SPDX-License-Identifier: GPL-2.0-only
"""The closed set of reasons of netvsc_bpf_reconcile_errors_total: classes of errors. Pure."""

from netvsc_bpf.model import errors

_TYPED = tuple(
    kind.__name__
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.NetvscBpfError)
)
ERROR_CLASSES = (*_TYPED, OSError.__name__, Exception.__name__)
"""Exception: an unexpected error; the log has its class and traceback."""


def error_class(error: BaseException) -> str:
    """Return the class of an error, or its nearest base class in the set."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((name for name in names if name in ERROR_CLASSES), Exception.__name__)
