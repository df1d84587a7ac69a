"""The comment on a pull request: what would happen to each stack, irreversible changes on top, the diff collapsed
below."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delivery import words
from delivery.differences import LATER, SECRET, Difference
from delivery.digest import Change, Preview
from delivery.github import LONGEST

SIGNS = {"create": "+", "delete": "-", "update": "!", "replace": "!", "unprotect": "!", "again": "!"}
"""The first character of a line, which GitHub colours in a `diff` block."""

LONGEST_VALUE = 160
LONGEST_ERRORS = 5_000
"""Characters of a stack's errors that are shown; only tracebacks are longer."""

MOST_LINES = 40
"""Lines of one text, such as a configuration file, that are shown."""

ROOM = LONGEST - 15_000
"""Characters for the collapsed diffs, so that what precedes them always fits."""


@dataclass(frozen=True)
class Report:
    """The preview of one stack.

    preview: None if it failed; `failed` says why. new: whether the stack does not exist yet. cost: a phrase.
    """

    stack: str
    preview: Preview | None
    failed: tuple[str, ...] = ()
    new: bool = False
    cost: str | None = None


def text(reports: Sequence[Report], commit: str, removed: Sequence[str] = (), room: int = ROOM) -> str:
    """The comment without its mark. removed: stacks whose settings file this pull request deletes. room: characters for
    the diffs."""
    lines = [f"## {_headline(reports)}", ""]
    for report in reports:
        lines += [*_summary(report), ""]
    lines += [
        f"This deletes `Pulumi.{stack}.yaml`, but nothing in AWS: run the workflow *Destroy* for {stack} first."
        for stack in removed
    ]
    for report in reports:
        lines += [*folded(report, room // len(reports)), ""]
    lines.append(f"<sub>Commit {commit[:12]}. Nothing has been changed: this is what `pulumi up` would do.</sub>")
    return "\n".join(lines)


def _headline(reports: Sequence[Report]) -> str:
    if failed := [report.stack for report in reports if report.failed]:
        return f"The preview of {' and '.join(failed)} failed"
    if not any(report.preview and report.preview.changes for report in reports):
        return "No stack changes"
    irrevocable = [report.stack for report in reports if report.preview and words.warnings(report.preview)]
    if irrevocable:
        return f"Something would be replaced or deleted in {' and '.join(irrevocable)}"
    return "Changes, but nothing is replaced or deleted"


def _summary(report: Report) -> Iterator[str]:
    title = f"**{report.stack}**"
    if report.failed:
        yield f"{title}: the preview failed."
        yield from fenced("\n\n".join(report.failed)[:LONGEST_ERRORS])
        return
    assert report.preview  # noqa: S101 (without a preview it has failed)
    new = "does not exist yet: " if report.new else ""
    cost = f"; {report.cost}" if report.cost else ""
    yield f"{title}: {new}{words.counted(report.preview)}{cost}."
    warned = words.warnings(report.preview)
    if warned:
        yield from ("", "> [!CAUTION]")
        yield from (f"> - {plain(sentence)}{f': {meaning}' if meaning else ''}." for sentence, meaning in warned)
    yield from (f"- {plain(first)}" for each in report.preview.warnings if (first := each.splitlines()[0]))


def folded(report: Report, room: int) -> Iterator[str]:
    """The diff, collapsed; changes that do not fit are only counted."""
    if not report.preview or not report.preview.changes:
        return
    lines: list[str] = []
    left_out = 0
    for change in sorted(report.preview.changes, key=lambda each: (words.ORDER.index(each.op), each.kind, each.name)):
        part = list(_lines(change))
        if room < (size := sum(map(len, part)) + len(part)):
            left_out += 1
            continue
        room -= size
        lines += part
    yield f"<details><summary>{report.stack}: the whole diff</summary>"
    yield ""
    yield from fenced("\n".join(lines), "diff")
    if left_out:
        yield f"{left_out} more changes do not fit here."
    yield ""
    yield "</details>"


def _lines(change: Change) -> Iterator[str]:
    kind = change.kind.rpartition(":")[2]
    yield f"{SIGNS[change.op]} {kind} {change.name}: {words.DONE[change.op]}"
    for difference in change.differences:
        yield from _difference(difference)


def _difference(each: Difference) -> Iterator[str]:
    before, after = each.before, each.after
    if SECRET in (before, after) and before is not None and after is not None:
        yield f"    {each.path}: {SECRET}, changed"
        return
    if after == LATER:
        yield f"    {each.path}: {LATER}"
        return
    if before is not None and after is not None and "\n" in before + after:
        yield f"    {each.path}:"
        pairs = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
        changed = [line for line in list(pairs)[2:] if not line.startswith("@@")]
        yield from (f"{line[:1]}     {_short(line[1:])}" for line in changed[:MOST_LINES])
        if len(changed) > MOST_LINES:
            yield f"      … {len(changed) - MOST_LINES} more lines"
        return
    if before == after:
        yield f"    {each.path}: changed"
        return
    if before is not None:
        yield f"-   {each.path}: {_short(before)}"
    if after is not None:
        yield f"+   {each.path}: {_short(after)}"


def _short(value: str) -> str:
    one_line = value.replace("\n", "\\n")
    return one_line if len(one_line) <= LONGEST_VALUE else one_line[: LONGEST_VALUE - 1] + "…"


def plain(sentence: str) -> str:
    """Text escaped for Markdown, HTML and GitHub, which would otherwise notify people whose names occur in it."""
    return re.sub(r"([\\`*_{}\[\]<>#|@~])", r"\\\1", sentence).replace("\\@", "&#64;")


def fenced(content: str, language: str = "") -> list[str]:
    """The text as a code block, with a fence longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", content, fence]
