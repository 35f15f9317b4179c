"""What stands in the way of an engine."""

from __future__ import annotations

from checker.errors import LocatedError


class NotNativeError(LocatedError):
    """There is no native form of this spec, or none on this machine; the message says why."""
