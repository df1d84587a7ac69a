"""What the output `onDestroy` says, and that the data volume refuses to shrink."""

from __future__ import annotations

import pulumi
import pytest

from components.data_volume import refuse_to_shrink
from tests.components.conftest import ADDRESS, Run, run_once

VOLUME, BUCKET = "Volume-data", "monitoring-prod-backups"


def test_a_protected_stack_says_what_is_refused_and_how_to_destroy_it_anyway(prod: Run) -> None:
    volume, bucket, how = prod.outputs["onDestroy"]
    assert volume == f"refused: the data volume {VOLUME} and the address {ADDRESS} are protected"
    assert bucket == f"refused: the bucket {BUCKET} with all backups is protected"
    assert how.endswith("pulumi config set monitoring:protect false && pulumi up && pulumi destroy")


def test_an_unprotected_stack_says_what_is_deleted_and_how_to_keep_backups() -> None:
    volume, bucket, how = run_once({"protect": "false"}).outputs["onDestroy"]
    assert volume.startswith(f"deletes for good: the data volume {VOLUME} with all")
    assert bucket == f"deletes for good: the bucket {BUCKET} with all backups"
    assert f"aws s3 sync s3://{BUCKET} " in how


def test_without_backups_none_are_mentioned() -> None:
    reported = run_once({"protect": "false", "backups": {"enabled": False}}).outputs["onDestroy"]
    assert reported[1:] == ["keeps: nothing; there are no backups"]
    assert len(run_once({"backups": {"enabled": False}}).outputs["onDestroy"]) == 2


@pytest.mark.parametrize("stack", ["prod", "dev"])
def test_pulumi_shows_every_sentence_in_full(stack: str) -> None:
    """Pulumi cuts off texts after 150 characters, and AWS's IDs and names are longer than the mocks'."""
    longest = len("vol-0123456789abcdef0") - len(VOLUME) + 16
    assert all(len(reported) + longest <= 150 for reported in run_once(stack=stack).outputs["onDestroy"])


@pytest.mark.parametrize("protect", ["true", "false"])
def test_the_resource_that_guards_all_others_always_exists(protect: str) -> None:
    """If it existed only with `protect: true`, changing that to false would be refused."""
    assert len(run_once({"protect": protect}).all("Protected")) == 1


def change(there: int, wanted: int) -> pulumi.ResourceHookArgs:
    return pulumi.ResourceHookArgs(
        "urn", "vol-1", "data", "t", {"size": float(wanted)}, {}, None, {"size": float(there)}
    )


def test_the_volume_s_size_is_checked_before_each_update_and_in_a_preview(prod: Run) -> None:
    ((moment, name),) = prod.options["aws:ebs/volume:Volume", "data"].hooks
    hook = prod.hooks[name]
    assert (moment, hook.callback, hook.opts and hook.opts.on_dry_run) == ("before_update", refuse_to_shrink, True)


def test_a_volume_can_grow_but_not_shrink() -> None:
    refuse_to_shrink(change(20, 20))
    refuse_to_shrink(change(20, 21))
    with pytest.raises(ValueError, match=r"dataVolumeSize = 19: the data volume has 20 GiB.*write 20 or more"):
        refuse_to_shrink(change(20, 19))
