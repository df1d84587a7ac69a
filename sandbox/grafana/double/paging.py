"""Paged lists, as in Grafana: `perpage` (1000 if missing or below 1) and `page`, counted from 1."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from flask import request

DEFAULT_LENGTH = 1000


@dataclass(frozen=True)
class Page:
    """One page of a list. rows: of this page. everything: the rows of all pages."""

    rows: list[sqlite3.Row]
    everything: list[sqlite3.Row]
    number: int
    length: int

    @classmethod
    def of(cls, everything: list[sqlite3.Row]) -> Page:
        """The page that the current request asks for; empty after the last one."""
        length = request.args.get("perpage", 0, type=int)
        length = length if length > 0 else DEFAULT_LENGTH
        number = max(request.args.get("page", 1, type=int), 1)
        return cls(everything[(number - 1) * length : number * length], everything, number, length)

    def as_json(self, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
        """The page's items under the key `name`, with the page's position."""
        return {"totalCount": len(self.everything), name: items, "page": self.number, "perPage": self.length}
