"""How what `pulumi preview --json` prints becomes the comment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from delivery import comment
from delivery.comment import Report
from delivery.differences import UNKNOWN
from delivery.digest import Preview, parsed
from delivery.errors import DeliveryError
from delivery.github import LONGEST

COMMIT = "0123456789abcdef"


def step(op: str, kind: str, name: str, old: Any = None, new: Any = None, **more: Any) -> dict[str, Any]:
    """A step as the engine writes it (PreviewStep in pulumi/pkg, display/json.go)."""
    states = {
        key: {"custom": True, "inputs": inputs, "outputs": inputs}
        for key, inputs in (("oldState", old), ("newState", new))
        if inputs is not None
    }
    urn = f"urn:pulumi:dev::monitoring::monitoring:index:Server${kind}::{name}"
    return {"op": op, "urn": urn, "detailedDiff": None, **states, **more}


def preview(*steps: dict[str, Any], **more: Any) -> Preview:
    return parsed(json.dumps({"steps": list(steps), **more}))


def comment_text(*steps: dict[str, Any], **more: Any) -> str:
    return comment.text([Report("dev", preview(*steps), **more)], COMMIT)


INSTANCE, VOLUME, BUCKET = "aws:ec2/instance:Instance", "aws:ebs/volume:Volume", "aws:s3/bucket:Bucket"


def test_losses_are_at_the_top_in_words() -> None:
    text = comment_text(
        step("update", "aws:ec2/eip:Eip", "server", {"tags": {"a": "1"}}, {"tags": {"a": "2"}}),
        step("replace", INSTANCE, "server", {"ami": "a"}, {"ami": "b"}, replaceReasons=["ami"]),
        step("delete", VOLUME, "data", {"size": 20}),
        cost="about 20.46 US dollars a month",
    )
    top, _, diff = text.partition("<details>")
    assert top.splitlines() == [
        "## Something would be replaced or deleted in dev",
        "",
        "**dev**: 1 deleted, 1 replaced, 1 changed; about 20.46 US dollars a month.",
        "",
        "> [!CAUTION]",
        "> - the data volume is deleted: all measurements, dashboards and users on it are lost.",
        "> - the server is replaced, because of ami: Grafana and InfluxDB are down until another has booted; "
        "the data volume stays.",
        "",
    ]
    assert "-   tags.a: 1\n+   tags.a: 2" in diff
    assert "Commit 0123456789ab. Nothing has been changed" in diff


def test_a_removed_protection_is_at_the_top() -> None:
    kept, given_up = step("same", BUCKET, "backups", {}, {}), step("same", VOLUME, "data", {}, {})
    given_up["oldState"]["protect"] = True
    text = comment_text(kept, given_up)
    assert "> - the data volume is no longer protected.\n" in text
    assert "bucket" not in text


def test_a_gate_that_runs_again_is_not_a_loss() -> None:
    gate = "command:local:Command"
    text = comment_text(
        step("replace", gate, "ready", {"triggers": [1]}, {"triggers": [2]}, replaceReasons=["triggers"])
    )
    assert text.startswith("## Changes, but nothing is replaced or deleted\n\n**dev**: 1 run again.")
    assert "! Command ready: run again\n-   triggers[0]: 1\n+   triggers[0]: 2" in text


def test_no_change_is_reported_as_such() -> None:
    text = comment_text(step("same", INSTANCE, "server", {}, {}))
    assert text.startswith("## No stack changes\n\n**dev**: nothing changes.")
    assert "<details>" not in text


def test_a_secret_that_changes_is_named_and_not_shown() -> None:
    old, new = {"value": "[secret]", "name": "a"}, {"value": "[secret]", "name": "a"}
    text = comment_text(step("update", "aws:ssm/parameter:Parameter", "x", old, new, diffReasons=["value"]))
    assert "    value: [secret], changed" in text


def test_a_value_known_only_after_the_up_is_reported_once() -> None:
    text = comment_text(step("update", "aws:ssm/parameter:Parameter", "x", {"v": "one\ntwo"}, {"v": UNKNOWN}))
    assert "    v: (known after the up)" in text
    assert "one" not in text


def test_a_long_text_is_compared_line_by_line_and_json_by_its_parts() -> None:
    old = {"text": "\n".join(map(str, range(50))), "json": json.dumps({"panels": [{"title": "a"}, {"title": "b"}]})}
    new = {"text": old["text"].replace("25", "x"), "json": json.dumps({"panels": [{"title": "a"}, {"title": "c"}]})}
    lines = comment_text(step("update", "t:t:T", "x", old, new)).splitlines()
    assert [line for line in lines if line.startswith(("+", "-"))] == [
        "-   json.panels[1].title: b",
        "+   json.panels[1].title: c",
        "-     25",
        "+     x",
    ]


def test_a_long_text_is_cut_after_forty_lines() -> None:
    old, new = ("\n".join(f"{word} {number}" for number in range(100)) for word in ("old", "new"))
    lines = comment_text(step("update", "t:t:T", "x", {"text": old}, {"text": new})).splitlines()
    assert "-     old 39" in lines
    assert "-     old 40" not in lines
    assert "      … 160 more lines" in lines


def test_each_added_or_removed_value_is_one_line() -> None:
    old, new = {"gone": "1", "broken": "{no JSON"}, {"come": "a" * 200, "broken": "{yes"}
    lines = comment_text(step("update", "t:t:T", "x", old, new)).splitlines()
    assert [line for line in lines if line.startswith(("+ ", "- "))] == [
        "-   broken: {no JSON",
        "+   broken: {yes",
        f"+   come: {'a' * 159}…",
        "-   gone: 1",
    ]


def test_a_change_that_only_the_provider_sees_is_named() -> None:
    same = {"value": "a"}
    assert "    value: changed\n" in comment_text(step("update", "t:t:T", "x", same, same, diffReasons=["value"]))


def test_several_resources_of_a_kind_are_one_sentence_in_any_order() -> None:
    kind = "random:index/randomPassword:RandomPassword"
    steps = [step("replace", kind, name, {"k": 1}, {"k": 2}) for name in ("b", "c", "a")]
    assert "> - the passwords a, b and c are replaced.\n" in comment_text(*steps)
    assert comment_text(*steps) == comment_text(*reversed(steps))


def test_errors_cannot_break_out_of_their_block() -> None:
    error = 'monitoring:retention = "```": is not a duration; @everyone <script>'
    found = preview(diagnostics=[{"severity": "error", "message": f"error: {error}\n"}])
    assert found.errors == (error,)
    text = comment.text([Report("dev", None, found.errors)], COMMIT)
    assert text.splitlines()[2:6] == ["**dev**: the preview failed.", "````", error, "````"]


def test_names_cannot_mention_users() -> None:
    text = comment_text(step("delete", "t:t:T", "@everyone <b>*", {}))
    assert "T &#64;everyone \\<b\\>\\*" in text


def test_the_comment_fits_however_much_changes() -> None:
    steps = [step("update", "t:t:T", f"r{n}", {"a": "x" * 150}, {"a": "y" * 150}) for n in range(400)]
    reports = [Report(stack, preview(*steps)) for stack in ("dev", "prod")]
    text = comment.text(reports, COMMIT)
    assert len(text) < LONGEST - 100
    assert text.count("more changes do not fit here.") == 2
    assert text.count("```") == 4
    assert "**prod**: 400 changed." in text


def test_a_deleted_settings_file_deletes_nothing() -> None:
    text = comment.text([], COMMIT, ["old"])
    assert "This deletes `Pulumi.old.yaml`, but nothing in AWS: run the workflow *Destroy*" in text


def test_components_are_not_changes() -> None:
    component = step("create", "monitoring:index:Network", "network", None, {})
    component["newState"]["custom"] = False
    assert preview(component).changes == ()


@pytest.mark.parametrize("text", ["", "error: no stack named 'dev'", "[]"])
def test_output_that_is_not_a_preview_is_refused(text: str) -> None:
    with pytest.raises(DeliveryError, match="did not print the expected JSON"):
        parsed(text)


def test_hidden_properties_are_left_out_and_listed_paths_are_compared() -> None:
    """The provider's own notes and hidden properties are left out; for a listed path, the whole property is
    compared."""
    old = {"a": "1", "tags": {"team": "x", "__defaults": []}, "__defaults": ["a"], "noise": "1"}
    new = {"a": "1", "tags": {"team": "y", "__defaults": ["team"]}, "__defaults": [], "noise": "2"}
    changed = step("update", BUCKET, "b", old, new, detailedDiff={"tags.team": {}, "rules[0].days": {}})
    changed["oldState"] |= {"hideDiff": ["noise"], "outputs": {"rules": [{"days": 1}]}}
    changed["newState"] |= {"outputs": {"rules": [{"days": 2}]}}
    diff = comment_text(changed).partition("<details>")[2]
    assert [line for line in diff.splitlines() if line.startswith(("- ", "+ ", "    "))] == [
        "-   rules[0].days: 1",
        "+   rules[0].days: 2",
        "-   tags.team: x",
        "+   tags.team: y",
    ]
