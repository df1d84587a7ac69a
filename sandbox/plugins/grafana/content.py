"""Folders and dashboards, like terraform-provider-grafana's grafana_folder and grafana_dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.plugins.base import (
    BOOLEAN,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    Output,
    PluginError,
    Properties,
    fields,
)
from sandbox.plugins.grafana.client import ORGANISATION, segment
from sandbox.plugins.grafana.resource import ORG_ID, GrafanaResource, key_of, make_id
from sandbox.plugins.schema import JsonText, Text

_FOLDER_UID = re.compile(r"^[a-zA-Z0-9\-_]+$")


class Folder(GrafanaResource):
    """A folder of dashboards and alert rules."""

    token = "grafana:oss/folder:Folder"
    title = "folder"
    inputs = fields(
        title=Input(TEXT, required=True),
        uid=Input(TEXT, computed=True, replaces=True),
        parentFolderUid=Input(TEXT, replaces=True),
        preventDestroyIfNotEmpty=Input(BOOLEAN, default=False),
        orgId=ORG_ID,
    )
    outputs = fields(url=Output())

    def check(self, inputs: Properties) -> Iterable[Failure]:
        """Checks the format of the uid, too."""
        yield from super().check(inputs)
        uid = inputs.get("uid")
        if isinstance(uid, str) and not _FOLDER_UID.match(uid):
            yield Failure("uid", "folder UIDs can only be alphanumeric, dashes, or underscores")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Create the folder."""
        body = {
            "title": inputs["title"],
            "uid": inputs.get("uid", ""),
            "parentUid": inputs.get("parentFolderUid", ""),
        }
        made = self.client.call("POST", "/folders", body)
        return make_id(made["uid"]), self._state(made)

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read the folder."""
        found = self.client.get(f"/folders/{segment(key_of(id_))}")
        return None if found is None else {"id": make_id(found["uid"]), **self._state(found)}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Change the title, which is all that can change in place."""
        body = {"title": new["title"], "overwrite": True}
        return self._state(self.client.call("PUT", f"/folders/{segment(key_of(id_))}", body))

    def delete(self, id_: str, state: Properties) -> None:
        """Delete the folder with its content, unless that is prevented."""
        uid = segment(key_of(id_))
        if state.get("preventDestroyIfNotEmpty"):
            inside = self.client.get(f"/search?folderUIDs={uid}") or []
            if inside:
                titles = ", ".join(hit["title"] for hit in inside)
                raise PluginError(
                    f"folder {key_of(id_)} is not empty and preventDestroyIfNotEmpty is set; it contains: {titles}"
                )
        force = "" if state.get("preventDestroyIfNotEmpty") else "?forceDeleteRules=true"
        self.client.delete(f"/folders/{uid}{force}")

    def _state(self, found: Properties) -> Properties:
        return {
            "title": found["title"],
            "uid": found["uid"],
            "orgId": ORGANISATION,
            "parentFolderUid": found.get("parentUid") or None,
            "url": self.client.address(found["url"]),
        }


def normalised(model: dict[str, Any]) -> dict[str, Any]:
    """A dashboard without what Grafana adds: its id and version, ids of panels, and the content of library panels."""
    kept = {key: value for key, value in model.items() if key not in ("id", "version")}
    if isinstance(kept.get("panels"), list):
        kept["panels"] = [_normalised_panel(panel) for panel in kept["panels"]]
    return kept


def _normalised_panel(panel: Any) -> Any:
    if not isinstance(panel, dict):
        return panel
    kept = {key: value for key, value in panel.items() if key != "id"}
    if isinstance(kept.get("libraryPanel"), dict):
        kept["libraryPanel"] = {k: v for k, v in kept["libraryPanel"].items() if k in ("name", "uid")}
    return kept


def _model(text: Any) -> dict[str, Any]:
    try:
        model = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return model if isinstance(model, dict) else {}


class DashboardJson(JsonText):
    """A dashboard's JSON, compared without what Grafana adds."""

    name: ClassVar[str] = "a dashboard as JSON"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if not isinstance(value, str):
            return self._mismatch(value, path, failures)
        try:
            model = json.loads(value)
        except ValueError as error:
            failures.append(Failure(path, f"is not valid JSON: {error}"))
            return value
        if not isinstance(model, dict):
            failures.append(Failure(path, "must be a JSON object"))
        return value

    def same(self, one: Any, other: Any) -> bool:
        return normalised(_model(one)) == normalised(_model(other))


class FolderReference(Text):
    """A folder's uid or id: `monitoring` and `1:monitoring` are the same."""

    def same(self, one: Any, other: Any) -> bool:
        return _folder_uid(one) == _folder_uid(other)


def _folder_uid(reference: Any) -> str:
    uid = key_of(str(reference or ""))
    return "" if uid == "0" else uid


class Dashboard(GrafanaResource):
    """A dashboard. If the JSON has no uid, Grafana chooses one."""

    token = "grafana:oss/dashboard:Dashboard"
    title = "dashboard"
    inputs = fields(
        configJson=Input(DashboardJson(), required=True),
        folder=Input(FolderReference()),
        message=Input(TEXT),
        overwrite=Input(BOOLEAN),
        orgId=ORG_ID,
    )
    outputs = fields(uid=Output(), dashboardId=Output(), url=Output(), version=Output())

    def replaces(self, name: str, old: Properties, new: Properties, *, declared: bool) -> bool:
        """A change of the uid in the JSON replaces the dashboard."""
        if name != "configJson" or new.get(name) is UNKNOWN:
            return declared
        before, after = _model(old.get(name)), _model(new.get(name))
        return (before.get("uid") or "") != (after.get("uid") or "")

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        """Every save increments the version, and the title is part of the url."""
        return ("version", "url") if "configJson" in changed else ("version",)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Save the dashboard. Without `overwrite`, no dashboard with its uid may exist."""
        made = self._save(inputs, None, overwrite=bool(inputs.get("overwrite")))
        return make_id(made["uid"]), self._read(made["uid"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        """Read the dashboard."""
        found = self._read(key_of(id_), state)
        return None if found is None else {"id": make_id(found["uid"]), **found}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        """Overwrite the dashboard."""
        uid = key_of(id_)
        found = self.client.get(f"/dashboards/uid/{segment(uid)}")
        made = self._save(new, found and found["dashboard"]["id"], uid, overwrite=True)
        return self._read(made["uid"], new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        """Remove the dashboard."""
        self.client.delete(f"/dashboards/uid/{segment(key_of(id_))}")

    def _save(self, inputs: Properties, number: int | None, uid: str = "", *, overwrite: bool) -> Any:
        model = {key: value for key, value in _model(inputs["configJson"]).items() if key != "id"}
        if uid:
            model["uid"] = uid
        if number:
            model["id"] = number
        body = {
            "dashboard": model,
            "folderUid": _folder_uid(inputs.get("folder")),
            "message": inputs.get("message", ""),
            "overwrite": overwrite,
        }
        return self.client.call("POST", "/dashboards/db", body)

    def _read(self, uid: str, state: Properties) -> Properties | None:
        found = self.client.get(f"/dashboards/uid/{segment(uid)}")
        if found is None:
            return None
        model = normalised(found["dashboard"])
        # If the program gives no uid, Grafana chose it, so it is no difference.
        if state.get("configJson") and "uid" not in _model(state["configJson"]):
            model.pop("uid", None)
        folder = found["meta"].get("folderUid") or None
        return {
            "configJson": json.dumps(model, separators=(",", ":"), sort_keys=True),
            "folder": folder,
            "orgId": ORGANISATION,
            "uid": found["dashboard"]["uid"],
            "dashboardId": found["dashboard"]["id"],
            "version": found["dashboard"]["version"],
            "url": self.client.address(found["meta"]["url"]),
        }
