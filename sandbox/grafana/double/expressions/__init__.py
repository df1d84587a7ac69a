"""Server-side expressions: steps that work on the results of other steps.

Supports reduce, threshold and math, which alert rules use. Resample, SQL and classic conditions are refused; the latter
lose the labels, so no rule may use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import QueryError
from ..frames import Frame
from . import formula, reduction
from .values import Single, Values, failure, from_frames, to_frames

__all__ = ["UID", "Outcome", "Single", "Step", "Values", "is_expression", "run", "to_frames"]

UID = "__expr__"
"""The data source uid of expressions; `-100` is its id in old rules."""


@dataclass(frozen=True)
class Step:
    """A query or an expression. fetch: queries the data source; None for an expression."""

    ref_id: str
    model: Mapping[str, Any]
    fetch: Callable[[], Sequence[Frame]] | None = None


@dataclass(frozen=True)
class Outcome:
    """The result of a step: its frames, and for an expression its values; or the error."""

    frames: Sequence[Frame] = ()
    computed: Values | None = None
    error: QueryError | None = None

    def values(self, ref_id: str) -> Values:
        """The values for expressions; QueryError if a data source's result is not a time series."""
        return from_frames(ref_id, self.frames) if self.computed is None else self.computed


def is_expression(reference: object) -> bool:
    """Whether a data source's uid, or a reference with a uid, stands for expressions."""
    uid = reference.get("uid") if isinstance(reference, dict) else reference
    return str(uid) in (UID, "-100")


def needs(step: Step) -> list[str]:
    """The steps that an expression refers to; QueryError if there are none."""
    text = str(step.model.get("expression") or "").strip()
    if step.model.get("type") == "math":
        if not text:
            raise failure(f"failed to parse expression [{step.ref_id}]: expression is empty")
        return formula.steps_of(text)
    if not text:
        raise failure(f"failed to parse expression [{step.ref_id}]: no variable specified to reference for refId")
    return [text.removeprefix("$").strip("{}")]


def run(steps: Sequence[Step], loaded: Sequence[Mapping[str, str]] = ()) -> dict[str, Outcome]:
    """Run each step after those that it needs. If a step fails, so do those that need it, but no others.

    loaded: the labels of a rule's active alerts, to which a recovery threshold applies.
    """
    by_name = {step.ref_id: step for step in steps}
    done: dict[str, Outcome] = {}
    for step in _ordered(by_name):
        try:
            done[step.ref_id] = _run(step, done, loaded)
        except QueryError as error:
            done[step.ref_id] = Outcome(error=error)
    return {name: done[name] for name in by_name}


def _ordered(by_name: Mapping[str, Step]) -> list[Step]:
    """The steps in an order in which each follows those that it needs. Unknown steps and cycles are refused."""
    order: dict[str, Step] = {}

    def visit(step: Step, waiting: tuple[str, ...]) -> None:
        if step.ref_id in order:
            return
        if step.ref_id in waiting:
            raise failure("[sse.dependencyError] cyclic references in expressions")
        for name in [] if step.fetch else needs(step):
            if name == step.ref_id:
                raise failure(f"expression [{name}] cannot reference itself. Must be query or another expression")
            if name not in by_name:
                raise failure(f"failed to build query '{step.ref_id}': unable to find dependent node '{name}'")
            visit(by_name[name], (*waiting, step.ref_id))
        order[step.ref_id] = step

    for step in by_name.values():
        visit(step, ())
    return list(order.values())


def _run(step: Step, done: Mapping[str, Outcome], loaded: Sequence[Mapping[str, str]]) -> Outcome:
    if step.fetch:
        return Outcome(step.fetch())
    for name in needs(step):
        if done[name].error:
            raise failure(
                f"[sse.dependencyError] did not execute expression [{step.ref_id}] due to a failure of the dependent"
                f" expression or query [{name}]"
            )
    values = _computed(step, {name: done[name].values(name) for name in needs(step)}, loaded)
    return Outcome(to_frames(step.ref_id, values), values)


def _computed(step: Step, known: Mapping[str, Values], loaded: Sequence[Mapping[str, str]]) -> Values:
    kind = step.model.get("type")
    source = next(iter(known.values()), [])
    if kind == "reduce":
        return reduction.reduce(step.model, source)
    if kind == "threshold":
        return reduction.threshold(step.model, source, loaded)
    if kind == "math":
        return formula.evaluate(str(step.model["expression"]), known)
    if kind in ("resample", "sql", "classic_conditions"):
        raise failure(f"expressions of the type {kind} are not part of this stand-in")
    raise failure(f"failed to parse expression [{step.ref_id}]: {kind!r} is not a known expression type")
