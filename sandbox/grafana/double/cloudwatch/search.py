"""The SEARCH expression that Grafana's backend makes from a builder's query with several or any (`*`) values.

github.com/grafana/grafana-cloudwatch-datasource, pkg/cloudwatch/metric_data_query_builder.go, buildSearchExpression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import QueryError

MAXIMUM_LENGTH = 2048
"""Characters that CloudWatch accepts: the type MetricExpression in its API description."""


def expression(
    namespace: str, metric: str, wanted: Mapping[str, Sequence[str]], statistic: str, period: int, *, exact: bool
) -> str:
    """The expression. A dimension with `*` among its values can have any value. QueryError, with CloudWatch's message,
    if the expression is too long."""
    known = {name: values for name, values in wanted.items() if "*" not in values}
    terms = [f'MetricName="{metric}"', *(f'"{name}"={_any_of(known[name])}' for name in sorted(known))]
    if exact:
        schema = ",".join(f'"{each}"' for each in (namespace, *sorted(wanted)))
        terms = [f"{{{schema}}}", *terms]
    else:
        terms = [f'Namespace="{namespace}"', *terms, *(f'"{name}"' for name in sorted(set(wanted) - set(known)))]
    text = f"REMOVE_EMPTY(SEARCH('{' '.join(terms)}', '{statistic}', {period}))"
    if len(text) > MAXIMUM_LENGTH:
        raise QueryError(
            f"metric request error: ValidationError: 1 validation error detected: Value '{text}' at"
            " 'metricDataQueries.1.member.expression' failed to satisfy constraint: Member must have length less than"
            f" or equal to {MAXIMUM_LENGTH}",
            400,
        )
    return text


def _any_of(values: Sequence[str]) -> str:
    quoted = ['"' + value.replace('"', '\\"').replace("'", "\\'") + '"' for value in values]
    return f"({' OR '.join(quoted)})" if len(quoted) > 1 else quoted[0]
