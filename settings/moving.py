"""Moving between the server's own InfluxDB and another one: docs/moving.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from settings.mistakes import WrongValueError


def _own(value: Any) -> Any:
    if value not in ("shown", "kept"):
        raise WrongValueError(
            "is neither shown nor kept",
            "write shown while dashboards show the server's own InfluxDB, or kept while they show the other one; "
            "otherwise leave it out",
        )
    return value


Own = Annotated[Literal["shown", "kept"], BeforeValidator(_own)]
"""What becomes of the server's own InfluxDB while there is another one. Agents write to both, and the one that
dashboards show is copied to the other one."""
