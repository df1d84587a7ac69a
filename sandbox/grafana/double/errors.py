"""Errors that become Grafana's JSON error bodies."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Ends the request with `status` and `{"message": message, **fields}`, or without a message with `status` alone.

    Grafana has two generations of error bodies: old ones have a message (sometimes with a `status` word), newer ones
    (`with_id`) also a messageId, statusCode and traceID.
    """

    def __init__(self, status: int, message: str, /, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, **fields}

    @classmethod
    def with_id(cls, status: int, message_id: str, message: str) -> ApiError:
        """An error with the newer body, such as 401 `auth.unauthorized`."""
        return cls(status, message, messageId=message_id, statusCode=status, traceID="")


class ConfigurationError(Exception):
    """The configuration is invalid; the message is one line for the log and the console."""


class QueryError(Exception):
    """One query of a request failed; the message goes into the query's `error` field.

    source: `downstream` if the data source refused it, `plugin` if the query itself cannot be run.
    """

    def __init__(self, message: str, status: int = 500, source: str = "downstream") -> None:
        super().__init__(message)
        self.status = status
        self.source = source
