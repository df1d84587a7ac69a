"""Reads a dashboard from a file, or from grafana.com by its ID, and unwraps it."""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from dashboards.importing.report import ImportingError, Json, Report, is_seen

GRAFANA_COM = "https://grafana.com"
LARGEST = 5_000_000
"""Bytes. The largest community dashboards have about one million."""
PATIENCE_SECONDS = 20


def read(wanted: str, site: str = GRAFANA_COM) -> str:
    """The text of grafana.com's dashboard with this id, if it is a number; otherwise of the file.

    Raises ImportingError if it cannot be read.
    """
    if not wanted:
        raise ImportingError("nothing to import: write FROM=928 (an id on grafana.com) or FROM=path/to/dashboard.json")
    if re.fullmatch(r"\d{1,9}", wanted):
        return _download(wanted, site)
    path = Path(os.path.expanduser(wanted))  # noqa: PTH111 - leaves ~user alone if there is no such user
    if not path.is_file():
        raise ImportingError(f"{wanted}: there is no such file; write the path of a JSON file, or an id such as 928")
    if path.stat().st_size > LARGEST:
        raise ImportingError(f"{wanted}: has more than {LARGEST // 1_000_000} MB; that is not a dashboard")
    try:
        content = path.read_bytes()
        # Windows PowerShell's `>` writes UTF-16.
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise ImportingError(f"{wanted}: is not text; write the path of the dashboard's JSON file") from None
    except OSError as error:
        raise ImportingError(f"{wanted}: cannot be read: {error.strerror}") from None


def _download(number: str, site: str) -> str:
    page = f"{site}/grafana/dashboards/{number}"
    instead = f"download its JSON from {page} with a browser and write FROM=path/to/the/file.json"
    try:
        address = f"{site}/api/dashboards/{number}/revisions/latest/download"
        with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - always grafana.com's
            content: bytes = answer.read(LARGEST + 1)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise ImportingError(f"grafana.com has no dashboard {number}; look up its number on {page}") from None
        raise ImportingError(f"grafana.com answered {error.code} for dashboard {number}; {instead}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ImportingError(f"grafana.com cannot be reached from here ({reason}); {instead}") from None
    if len(content) > LARGEST:
        raise ImportingError(f"dashboard {number} has more than {LARGEST // 1_000_000} MB; {instead}")
    return content.decode("utf-8-sig", errors="replace")


def parse(text: str, name: str) -> Json:
    """The JSON object in the text. Raises ImportingError, which gives the place of the first mistake."""
    if not text.strip():
        raise ImportingError(f"{name}: is empty; export the dashboard again")
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_whole)
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        rest = text[error.pos :].lstrip()
        if rest.startswith("<"):
            raise ImportingError(f"{name}: is not JSON but a web page; export the dashboard as JSON") from None
        if rest.startswith(("//", "/*")):
            raise ImportingError(f"{name}: contains a comment ({place}); JSON does not allow them: remove it") from None
        raise ImportingError(f"{name}: is not JSON ({place}: {error.msg}); export the dashboard again") from None
    except UnicodeEncodeError as error:
        half = str(error.object)[error.start]
        raise ImportingError(
            f"{name}: contains half a character (\\u{ord(half):04x} in “{_around(error)}”), as of an emoji"
            " that was cut in two; write the whole character, or remove it"
        ) from None
    except ValueError as error:
        raise ImportingError(f"{name}: is not JSON ({error}); write a number that JSON has, or null") from None
    except RecursionError:
        raise ImportingError(f"{name}: is nested too deeply; that is not a dashboard") from None
    if not isinstance(found, dict):
        raise ImportingError(f"{name}: is not a dashboard but {_kind(found)}; export a single dashboard as JSON")
    return found


def _no_number(written: str) -> float:
    """Refuse NaN and Infinity: Python reads them, but neither JSON nor Grafana has them."""
    raise ValueError(f"{written} is not a number")


def _finite(written: str) -> float:
    found = float(written)
    if not math.isfinite(found):
        raise ValueError(f"{written[:20]} is too large for a number")
    return found


def _whole(written: str) -> int:
    _finite(written)
    return int(written)


def _around(error: UnicodeEncodeError) -> str:
    """The text before the half character, so that it can be found."""
    before = str(error.object)[: error.start]
    return before.rsplit('"', 1)[-1][-30:] + "…"


def unwrapped(found: Json, name: str, report: Report) -> Json:
    """The dashboard without the wrappers of APIs. Raises ImportingError if it is not in the classic model.

    Wrappers: Grafana's HTTP API ({"dashboard", "meta"}), grafana.com's API ({"json", …}), Kubernetes-style resources
    of the versions v0 and v1 ({"apiVersion", "kind", "spec"}).
    """
    inner: Any = found
    if isinstance(inner.get("dashboard"), dict):
        inner = inner["dashboard"]
        report.did("removed the wrapper of Grafana's HTTP API")
    elif isinstance(inner.get("json"), dict):
        inner = inner["json"]
        report.did("removed grafana.com's wrapper")
    version = str(inner.get("apiVersion") or found.get("apiVersion") or "")
    if version and isinstance(inner.get("spec"), dict):
        inner = inner["spec"]
        report.did("removed the wrapper of a resource")
    if "elements" in inner or "/v2" in version:
        raise ImportingError(
            f"{name}: is in the new schema v2 (elements and layout); in Grafana choose Export → Export as code → model"
            " Classic, and import that file"
        )
    if not isinstance(inner.get("panels"), list) and not isinstance(inner.get("rows"), list):
        raise ImportingError(f"{name}: is not a dashboard: it has neither panels nor rows; export a dashboard as JSON")
    if not isinstance(inner.get("title"), str) or not inner["title"].strip():
        raise ImportingError(f"{name}: has no title; write one into the file")
    if not is_seen(inner["title"]):
        raise ImportingError(f"{name}: has a title of only invisible characters; write one into the file")
    return dict(inner)


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", type(None): "null"}.get(type(value), "a single value")
