"""Links: to this dashboard under its new uid, to existing ones, and to missing ones.

A link to a missing dashboard is kept, because it works once that dashboard is imported under its uid. One with only the
other's title (Grafana before 7) has no address that could be kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from dashboards.importing.layout import objects
from dashboards.importing.report import Json, Report, named

LOCAL = r"(?:https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?)?"
TO_DASHBOARD = re.compile(rf"({LOCAL}(?:\.{{0,2}}/)*(?:grafana/)?d(?:-solo)?/)([^/?#&\"'\s)]+)")
BY_SLUG = re.compile(rf"{LOCAL}(?:\.{{0,2}}/)*(?:grafana/)?dashboard(?:-solo)?/(?:db|file|script|snapshot)/")
ELSEWHERE = re.compile(r"https?://[^/?#]+/(?:[\w-]+/)?(?:d/|dashboard/)")
IN_TEXT = re.compile(r"(?<=\]\()[^)\s]+|(?<=href=\")[^\"]+|(?<=href=')[^']+")
MOST = 20
"""Links that a message names, because a person may want to check each."""
USUAL = {
    "title": "",
    "type": "link",
    "url": "",
    "tags": [],
    "icon": "external link",
    "tooltip": "",
    "asDropdown": False,
    "includeVars": False,
    "keepTime": False,
    "targetBlank": False,
}
"""The required fields of a dashboard's link, with Grafana's defaults for old ones."""


class Links:
    """Converts the links of one dashboard, and collects what to report.

    before, name: its uid in its author's Grafana, and here. there: the uids of the existing dashboards. own_tags: its
    tags, by which links find it and those that are imported along with it.
    """

    def __init__(self, raw: Json, name: str, there: Collection[str], own_tags: Collection[str]) -> None:
        self.before, self.name = raw.get("uid"), name
        self.there, self.own_tags = {*there, name}, set(own_tags)
        self._missing: list[str] = []
        self._tagged: list[str] = []
        self._elsewhere: list[str] = []
        self._lost: list[str] = []

    def of_panel(self, panel: Json) -> None:
        """Convert a panel's own links, and those of its fields, in place. A row has none."""
        if panel.get("type") == "row":
            return
        panel["links"] = [found for link in objects(panel.get("links")) if (found := self._upgraded(link))]
        for key in ("fieldConfig", "options"):
            panel[key] = self._within(panel.get(key))
        content = panel["options"].get("content") if isinstance(panel["options"], dict) else None
        if panel.get("type") == "text" and isinstance(content, str):
            panel["options"]["content"] = IN_TEXT.sub(lambda found: self._address(found[0], found[0]), content)

    def of_dashboard(self, links: Any) -> list[Json]:
        """The dashboard's links, in today's form."""
        found = []
        for link in objects(links):
            tags = [str(tag) for tag in link.get("tags") or []] if isinstance(link.get("tags"), list) else []
            if link.get("url"):
                url = self._address(str(link["url"]), str(link.get("title") or link["url"]))
                found.append({**USUAL, **link, "url": url})
            elif tags:
                if not self.own_tags.issuperset(tags):
                    self._tagged.append(f"{link.get('title') or 'untitled'}: {', '.join(tags)}")
                found.append({**USUAL, **link})
            elif link.get("type") == "dashboards":
                found.append({**USUAL, **link})  # all dashboards
            else:
                self._lost.append(str(link.get("title") or link.get("dashboard") or "untitled"))
        return found

    def tell(self, report: Report) -> None:
        """Add the findings to the report."""
        for found, words in (
            (self._missing, "kept links to missing dashboards (import those, too, with their uid as NAME=)"),
            (self._tagged, "kept links to all dashboards with a tag that this one does not have"),
            (self._elsewhere, "kept links to dashboards of another Grafana"),
            (self._lost, "left out links to missing dashboards, which had only their title"),
        ):
            if found:
                report.did(f"{words}: {named(found, MOST)}")

    def _upgraded(self, link: Json) -> Json | None:
        """A panel's link in today's form: DashboardMigrator's `upgradePanelLink`. None if it has no address."""
        url = str(link.get("url") or "")
        if not url:
            self._lost.append(str(link.get("title") or link.get("dashboard") or "untitled"))
            return None
        added = [
            "${__url_time_range}" if link.get("keepTime") else "",
            "${__all_variables}" if link.get("includeVars") else "",
            str(link.get("params") or ""),
        ]
        for part in filter(None, added):
            url += f"{'&' if '?' in url else '?'}{part}"
        title = str(link.get("title") or "Link")
        return {"title": title, "url": self._address(url, title), "targetBlank": bool(link.get("targetBlank"))}

    def _within(self, value: Any) -> Any:
        """The value with every link inside it converted: `links` of fields, of overrides, and of older options."""
        if isinstance(value, list):
            return [self._within(each) for each in value]
        if not isinstance(value, dict):
            return value
        is_links = value.get("id") == "links"
        return {
            key: [self._link(each) for each in inner]
            if isinstance(inner, list) and (key in ("links", "dataLinks") or (is_links and key == "value"))
            else self._within(inner)
            for key, inner in value.items()
        }

    def _link(self, link: Any) -> Any:
        if not isinstance(link, dict) or not isinstance(link.get("url"), str):
            return link
        return {**link, "url": self._address(link["url"], str(link.get("title") or link["url"]))}

    def _address(self, url: str, title: str) -> str:
        """The address as it works here; missing targets are noted."""
        found = TO_DASHBOARD.match(url)
        if found and found[2] == self.before:
            return f"/d/{self.name}{url[found.end() :]}"
        if found and "$" not in found[2] and found[2] not in self.there:
            self._missing.append(f"{title} → {found[0]}")
        elif BY_SLUG.match(url):
            self._missing.append(f"{title} → {url.partition('?')[0]}")
        elif not found and ELSEWHERE.match(url):
            self._elsewhere.append(title)
        return url
