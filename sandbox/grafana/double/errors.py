"""Errors that become Grafana's JSON error bodies."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Ends the request with `status` and `{"message": message, **fields}`; without a message, with `status` alone.

    Grafana has two generations of error bodies: old ones are a message (sometimes with a `status` word),
    newer ones (`with_id`) carry messageId, statusCode and traceID as well.
    """

    def __init__(self, status: int, message: str, /, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, **fields}

    @classmethod
    def with_id(cls, status: int, message_id: str, message: str) -> ApiError:
        """The newer body, e.g. 401 `auth.unauthorized`."""
        return cls(status, message, messageId=message_id, statusCode=status, traceID="")


class ConfigurationError(Exception):
    """The configuration cannot be used; the message is one line for the log and the console."""


class QueryError(Exception):
    """One query of a request failed; the message goes to the query's `error` field.

    source: `downstream` when the data source refused it, `plugin` when the query itself cannot be run.
    """

    def __init__(self, message: str, status: int = 500, source: str = "downstream") -> None:
        super().__init__(message)
        self.status = status
        self.source = source
