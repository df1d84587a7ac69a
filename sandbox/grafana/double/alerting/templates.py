"""/api/v1/provisioning/templates: templates for notifications."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from ..context import body, context, text
from ..errors import ApiError
from . import store
from .http import check_provenance, invalid, provenance

routes = Blueprint("templates", __name__, url_prefix="/api/v1/provisioning/templates")


@routes.get("")
def list_all() -> Response:
    """All templates."""
    return jsonify(store.every(context().database, "template"))


@routes.get("/<name>")
def read(name: str) -> Response:
    """One template."""
    found = store.get(context().database, "template", name)
    if found is None:
        raise ApiError.with_id(404, "alerting.notifications.templates.notFound", "NotFound")
    return jsonify(found)


@routes.put("/<name>")
def put(name: str) -> tuple[Response, int]:
    """PUT {"template"}: create or replace a template. The braces of Go's template language must be in pairs."""
    content = text(body(), "template").strip()
    if not content:
        raise invalid("template must have content")
    if content.count("{{") != content.count("}}"):
        raise invalid(f"invalid template: template: {name}: unclosed action")
    if "{{" not in content or "define" not in content:
        content = f'{{{{ define "{name}" }}}}\n  {content}\n{{{{ end }}}}'
    stored = store.get(context().database, "template", name)
    if stored:
        check_provenance(stored)
    document = {"name": name, "template": content, "provenance": provenance()}
    store.put(context().database, "template", name, document)
    return jsonify(document), 202


@routes.delete("/<name>")
def delete(name: str) -> tuple[str, int]:
    """Delete one template."""
    stored = store.get(context().database, "template", name)
    if stored:
        check_provenance(stored)
        store.delete(context().database, "template", name)
    return "", 204
