"""Moving between the server's own InfluxDB and another one: docs/moving.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from settings.mistakes import WrongValueError


def _own(value: Any) -> Any:
    if value not in ("shown", "kept"):
        raise WrongValueError(
            "does not say what becomes of the server's own InfluxDB",
            "write shown while dashboards show it, kept while they show the other one, and leave it out otherwise",
        )
    return value


Own = Annotated[Literal["shown", "kept"], BeforeValidator(_own)]
"""The server's own InfluxDB next to another one: agents write to both, and what the dashboards show is copied to the
other."""
