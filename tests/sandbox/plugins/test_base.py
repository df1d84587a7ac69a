"""The plugin framework, with the example in its docstring: notes in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto import status_pb2

from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    UNKNOWN,
    Failure,
    Function,
    IncompleteError,
    Input,
    ListOf,
    MapOf,
    ObjectOf,
    Output,
    PluginError,
    Properties,
    Provider,
    Resource,
    fields,
)
from sandbox.plugins.wire import Secret

pytestmark = pytest.mark.stand_in

NOTE = "notes:index:Note"
Serve = Callable[[Provider[Any]], Any]


class Note(Resource[Path]):
    """A file in the folder."""

    token = NOTE
    title = "Note"
    delete_before_replace = True
    inputs = fields(
        name=Input(TEXT, auto_name=True, replaces=True),
        body=Input(TEXT, required=True, secret=True),
        tags=Input(MapOf(TEXT)),
        copies=Input(INTEGER, default=1),
        readers=Input(ListOf(TEXT, ordered=False)),
        folder=Input(TEXT, computed=True),
        frame=Input(ObjectOf(fields(width=Input(INTEGER), colour=Input(TEXT, replaces=True)))),
        draft=Input(BOOLEAN),
    )
    outputs = fields(size=Output(), digest=Output(secret=True), label=Output())

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if inputs["copies"] is not UNKNOWN and inputs["copies"] > 9:
            yield Failure("copies", "at most nine")

    def derived(self, inputs: Properties) -> Properties:
        return {"size": len(inputs["body"]) if isinstance(inputs["body"], str) else UNKNOWN}

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        return ("digest",) if "body" in changed else ()

    def _outputs(self, inputs: Properties) -> Properties:
        body = inputs["body"]
        return {
            "size": len(body),
            "digest": hashlib.sha256(body.encode()).hexdigest(),
            "label": "-",
            "folder": str(self.client),
        }

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        if inputs["body"] == "explode":
            raise RuntimeError(f"cannot write {inputs['body']}\nat all")
        (self.client / inputs["name"]).write_text(inputs["body"])
        if inputs["body"] == "half":
            raise IncompleteError(inputs["name"], {"size": 4}, "only half is written")
        return inputs["name"], self._outputs(inputs)

    def read(self, id_: str, state: Properties) -> Properties | None:
        file = self.client / id_
        if not file.exists():
            return None
        return {"name": id_, "body": file.read_text(), **self._outputs({"body": file.read_text()})}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        (self.client / id_).write_text(new["body"])
        return self._outputs(new)

    def delete(self, id_: str, state: Properties) -> None:
        (self.client / id_).unlink(missing_ok=True)


def _count(folder: Path, arguments: Properties) -> Properties:
    return {"count": len(list(folder.glob(f"{arguments.get('prefix', '')}*")))}


class Notes(Provider[Path]):
    """Notes in a folder."""

    package, distribution = "notes", "pulumi"
    config = fields(path=Input(TEXT, required=True), marks=Input(ObjectOf(fields(one=Input(TEXT)))))
    resources = (Note,)
    functions = (Function("notes:index/count:count", fields(prefix=Input(TEXT)), _count),)

    def configure(self, config: Properties) -> Path:
        if not Path(config["path"]).is_dir():
            raise PluginError(f"no such folder: {config['path']}")
        return Path(config["path"])


@pytest.fixture
def notes(serve: Serve, tmp_path: Path) -> Any:
    plugin = serve(Notes())
    plugin.configure(path=str(tmp_path))
    return plugin


def test_settings_are_checked(serve: Serve, tmp_path: Path) -> None:
    plugin = serve(Notes())
    assert "unknown key" in plugin.check_config(path="/", colour="red")["colour"]
    assert "required" in plugin.check_config()["path"]
    assert plugin.check_config(path="/", version="1.0.0", marks='{"one": "two"}') == {}
    with pytest.raises(grpc.RpcError, match="no such folder"):
        plugin.configure(path=str(tmp_path / "none"))


def test_check_refuses_unknown_missing_and_mistyped_inputs(notes: Any) -> None:
    _, failures = notes.check(NOTE, {"colour": "red", "copies": "many", "frame": {"depth": 1}})
    assert set(failures) == {"colour", "copies", "frame.depth", "body"}
    assert failures["copies"] == "expected an integer, got a string"
    assert notes.check(NOTE, {"body": "x", "copies": 10})[1] == {"copies": "at most nine"}


def test_check_fills_in_defaults_names_and_secrets(notes: Any) -> None:
    inputs, failures = notes.check(NOTE, {"body": "x"}, name="diary")
    assert failures == {}
    assert inputs["body"] == Secret("x")
    assert inputs["copies"] == 1
    assert inputs["name"].startswith("diary-") and len(inputs["name"]) == len("diary-") + 7
    again, _ = notes.check(NOTE, {"body": "x"}, old={**inputs, "name": "diary-0000000"})
    assert again["name"] == "diary-0000000"
    given, _ = notes.check(NOTE, {"body": "x", "name": "mine"})
    renamed, _ = notes.check(NOTE, {"body": "x"}, old=given)
    assert renamed["name"] != "mine"


def test_unknown_values_pass_through_a_preview(notes: Any) -> None:
    inputs, failures = notes.check(NOTE, {"name": "n", "body": UNKNOWN, "tags": {"a": UNKNOWN}})
    assert failures == {}
    id_, planned = notes.create(NOTE, inputs, preview=True)
    assert id_ == ""
    assert planned["tags"] == {"a": UNKNOWN}
    assert planned["name"] == "n"
    assert planned["digest"] == Secret(UNKNOWN)
    assert planned["folder"] is UNKNOWN


def test_create_keeps_secrets_secret(notes: Any) -> None:
    inputs, _ = notes.check(NOTE, {"name": "n", "body": "abc", "tags": {"a": Secret("b"), "c": "d"}})
    id_, state = notes.create(NOTE, inputs)
    assert id_ == "n"
    assert state["body"] == Secret("abc")
    assert state["tags"] == {"a": Secret("b"), "c": "d"}
    assert isinstance(state["digest"], Secret)
    assert state["label"] == "-", "only what is declared so"
    assert state["size"] == 3


def test_diff_reports_replacements_and_honours_ignored_changes(notes: Any) -> None:
    old = {"name": "n", "body": "abc", "copies": 1, "readers": ["a", "b"], "tags": {"x": "1"}}
    state = {**old, "size": 3, "folder": "/f"}
    assert notes.diff(NOTE, state, old, {**old, "readers": ["b", "a"]}).changes == proto.DiffResponse.DIFF_NONE
    renamed = notes.diff(NOTE, state, old, {**old, "name": "m"})
    assert list(renamed.replaces) == ["name"] and renamed.deleteBeforeReplace
    tagged = notes.diff(NOTE, state, old, {**old, "tags": {"x": "2", "a b": "3"}})
    assert set(tagged.detailedDiff) == {"tags.x", 'tags["a b"]'}
    assert not tagged.replaces
    assert list(notes.diff(NOTE, state, old, {**old, "frame": {"colour": "red"}}).replaces) == ["frame"]
    ignored = notes.diff(NOTE, state, old, {**old, "tags": {"x": "2"}}, ignore=("tags",))
    assert ignored.changes == proto.DiffResponse.DIFF_NONE
    unknown = notes.diff(NOTE, state, old, {**old, "name": UNKNOWN})
    assert list(unknown.replaces) == ["name"]
    stale = notes.diff(NOTE, {**state, "size": 99}, old, old)
    assert set(stale.detailedDiff) == {"size"}


def test_an_update_and_its_preview(notes: Any, tmp_path: Path) -> None:
    old, _ = notes.check(NOTE, {"name": "n", "body": "abc", "draft": True})
    id_, state = notes.create(NOTE, old)
    new, _ = notes.check(NOTE, {"name": "n", "body": "abcd"}, old=old)
    planned = notes.update(NOTE, id_, state, old, new, preview=True)
    assert planned["digest"] == Secret(UNKNOWN)
    assert planned["folder"] == str(tmp_path)
    assert "draft" not in planned
    done = notes.update(NOTE, id_, state, old, new)
    assert done["size"] == 4
    assert (tmp_path / "n").read_text() == "abcd"


def test_read_detects_drift_and_deletion(notes: Any, tmp_path: Path) -> None:
    inputs, _ = notes.check(NOTE, {"name": "n", "body": "abc"})
    id_, state = notes.create(NOTE, inputs)
    assert notes.read(NOTE, id_, state, inputs) == ("n", state, inputs)
    (tmp_path / "n").write_text("changed")
    _, drifted, seen = notes.read(NOTE, id_, state, inputs)
    assert seen["body"] == Secret("changed")
    assert drifted["size"] == 7
    assert notes.diff(NOTE, drifted, seen, inputs).changes == proto.DiffResponse.DIFF_SOME
    notes.delete(NOTE, id_, state)
    assert notes.read(NOTE, id_, state, inputs)[0] == ""


def test_import_reads_the_inputs(notes: Any, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("text")
    id_, state, inputs = notes.read(NOTE, "old")
    assert (id_, state["size"], inputs["body"], inputs["name"]) == ("old", 4, Secret("text"), "old")


def test_an_error_is_one_line_without_secrets(notes: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        notes.create(NOTE, {"name": "n", "body": Secret("explode")})
    assert caught.value.details() == "creating Note: RuntimeError: cannot write [secret] at all"


def test_a_resource_that_was_half_created_is_kept(notes: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        notes.create(NOTE, {"name": "n", "body": Secret("half")})
    trailers: dict[str, Any] = dict(caught.value.trailing_metadata() or ())  # type: ignore[arg-type]
    trailer = trailers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(trailer)
    detail = proto.ErrorResourceInitFailed()
    packed: Packed = status.details[0]
    assert packed.Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("n", ["only [secret] is written"])


def test_functions_work_and_unknown_tokens_are_refused(notes: Any) -> None:
    notes.create(NOTE, {"name": "n", "body": "abc"})
    assert notes.invoke("notes:index/count:count", {}) == {"count": 1}
    with pytest.raises(grpc.RpcError, match="no function"):
        notes.invoke("notes:index/other:other", {})
    with pytest.raises(grpc.RpcError, match="has no notes:index:Page"):
        notes.check("notes:index:Page", {})
