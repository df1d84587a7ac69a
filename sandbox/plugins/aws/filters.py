"""What lookups share: `filters` and `tags` as AWS's filters, and the errors unless they find exactly one."""

from __future__ import annotations

from typing import Any

from sandbox.plugins.base import TEXT, Input, ListOf, MapOf, ObjectOf, PluginError, Properties, fields

FILTERS = fields(
    filters=Input(
        ListOf(
            ObjectOf(fields(name=Input(TEXT, required=True), values=Input(ListOf(TEXT), required=True))),
            ordered=False,
        )
    ),
    region=Input(TEXT),
)
TAGS = fields(tags=Input(MapOf(TEXT)))


def filters_of(arguments: Properties, **more: Any) -> list[dict[str, Any]]:
    """AWS's filters for `filters`, `tags` and further arguments. more: values by the filter's name."""
    given = [{"Name": each["name"], "Values": each["values"]} for each in arguments.get("filters", [])]
    tags = [{"Name": f"tag:{key}", "Values": [value]} for key, value in arguments.get("tags", {}).items()]
    named = [
        {"Name": name.replace("_", "-"), "Values": [_word(value)]} for name, value in more.items() if value is not None
    ]
    return given + tags + named


def single(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """The only item. Raises PluginError otherwise (SingularDataSourceFindError in the real provider's
    internal/tfresource)."""
    if not found:
        raise PluginError(f"no matching {what} found")
    if len(found) > 1:
        raise PluginError(f"multiple {what}s matched; use additional constraints to reduce matches to a single {what}")
    return found[0]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
