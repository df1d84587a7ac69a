"""Drift from Pulumi's state, found by a refresh that changes nothing and reported in one issue per stack."""

from __future__ import annotations

from delivery import words
from delivery.comment import Report, folded, plain
from delivery.digest import Preview, parsed
from delivery.errors import DeliveryError
from delivery.github import LONGEST
from delivery.pulumi import Pulumi

WITHOUT_GRAFANA = ("--exclude", "**grafana:**")
"""A refresh contacts each resource's provider, and only operatorCidrs reach Grafana: GitHub's runners do not."""


def found(pulumi: Pulumi, *, grafana: bool) -> Preview:
    """What a refresh would change in the state. grafana: whether the machine reaches the stack's Grafana.

    Raises DeliveryError if something could not be checked: only a complete refresh shows that there is no drift.
    """
    options = () if grafana else WITHOUT_GRAFANA
    done, printed, said = pulumi.attempt("refresh", "--preview-only", "--json", *options)
    preview = parsed(printed, "pulumi refresh --preview-only --json") if printed.strip() else Preview(())
    if not done:
        why = "\n".join(preview.errors) or said.strip()
        raise DeliveryError(f"Whether {pulumi.stack} has drifted is unknown, because the refresh failed:\n{why}")
    return preview


def issue(stack: str, preview: Preview, run: str) -> str:
    """The issue's text. run: the address of the workflow's run."""
    gone = [f"- {plain(words.noun(change))} is gone." for change in preview.of("delete")]
    other = [f"- {plain(words.noun(change))} was changed." for change in preview.of("update")]
    lines = [
        f"Resources of the stack `{stack}` were changed outside Pulumi:",
        "",
        *gone,
        *other,
        "",
        *folded(Report(stack, preview), LONGEST // 2),
        "",
        "In the diff, `-` is Pulumi's state, and `+` is what actually exists.",
        "",
        f"To undo it: `pulumi refresh` and `pulumi up` for `{stack}`. To keep it: change the settings or the "
        "program until `pulumi preview --refresh` shows no changes. A run that finds no drift closes this issue.",
        "",
        f"<sub>Found by {run}</sub>",
    ]
    return "\n".join(lines)
