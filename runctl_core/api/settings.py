"""How a plugin describes the settings of its configuration section: as a frozen attrs class whose fields are made here.

::

    @attrs.frozen(kw_only=True)
    class AcmeSettings:
        region: str = setting("eu", "Where machines are rented.")
        timeout_s: float = setting(30.0, "Seconds to wait for an answer.", check=between(1, 600))

The end of a name says the unit.  A value whose name announces a secret, such as ``api_key``, is never shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

Check = Callable[[Any, Any, Any], Any]


def setting(default: Any, doc: str, *, check: Check | None = None) -> Any:
    """Declare one setting of a section.

    Args:
        doc: one line that says what it does.
        check: an attrs validator; its message is shown to the user.
    """
    return attrs.field(default=default, validator=check, metadata={"doc": doc})


def between(low: float, high: float) -> Check:
    """Accept numbers from ``low`` to ``high``, both included."""

    def check(_instance: Any, _field: Any, value: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"must be from {low:g} to {high:g}")

    return check
