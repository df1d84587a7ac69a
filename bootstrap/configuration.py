"""The settings of the bootstrap, read once and checked completely, as ../settings does for a stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import BeforeValidator, Field, ValidationError

from settings import aws_names
from settings import values as v
from settings.given import from_json
from settings.load import configuration
from settings.mistakes import SECRET, Mistake, SettingsError, WrongValueError, quoted
from settings.part import Part, each
from settings.shown import looks_secret

NAMESPACE = "monitoring-bootstrap"

OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?"
NAME = r"[A-Za-z0-9._-]{1,100}"
"""docs.github.com/en/rest/repos: owners have up to 39 letters, digits and inner dashes, repositories up to 100."""

ID = r"@[1-9][0-9]{0,18}"


def repository(value: Any) -> str:
    """OWNER/NAME, or OWNER@OWNER-ID/NAME@REPO-ID, as tokens' subjects have them
    (docs.github.com/en/actions/reference/security/oidc, "Immutable subject claims")."""
    name = v.text(value).removeprefix("https://github.com/").removesuffix(".git")
    if re.match(r"\w+://[^/]*@", value):
        raise WrongValueError("is an address with a login", "write OWNER/NAME, such as octo-org/monitoring")
    if name != value:
        raise WrongValueError("is an address", "write {name}", name=name)
    if re.fullmatch(f"{OWNER}(/{NAME}|{ID}/{NAME}{ID})", name) and name.partition("/")[2] not in (".", ".."):
        return name
    if "@" in name:
        raise WrongValueError(
            "has ids in a form that tokens do not have",
            "write OWNER@OWNER-ID/NAME@REPOSITORY-ID, with both ids or none",
        )
    raise WrongValueError("is not a repository's name", "write OWNER/NAME, such as octo-org/monitoring")


def branch(value: Any) -> str:
    """A branch's full name, not a pattern (git-check-ref-format(1))."""
    name = v.text(value)
    if name.startswith("refs/"):
        raise WrongValueError("is a full reference", "write only the branch's name, such as main")
    if any(character in name for character in "*?"):
        raise WrongValueError("is a pattern", "write one branch's name; IAM would match several")
    wrong = re.search(r"[\x00-\x20\x7f~^:\[\\]|\.\.|//|@\{|^[/.-]|/\.|[/.]$|\.lock(/|$)", name)
    if wrong or not 1 <= len(name) <= 200:
        raise WrongValueError("is not a branch's name", "write it as `git branch` shows it, such as main")
    return name


def environment(value: Any) -> str:
    """An environment's name on GitHub, up to 255 characters
    (docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments). Subjects have %3A
    for a colon. It must not be a pattern."""
    name = v.text(value)
    if any(character in name for character in "*?"):
        raise WrongValueError("is a pattern", "write each environment's name; IAM would match several")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.: /-]{0,254}", name):
        raise WrongValueError("is not an environment's name", "write it as GitHub shows it, such as prod")
    return name


Repository = Annotated[str, BeforeValidator(repository)]
Branch = Annotated[str, BeforeValidator(branch)]
Environments = Annotated[tuple[str, ...], each(environment, 1)]


def zone(value: Any) -> str:
    """The ID of a zone of Route 53."""
    id_ = v.text(value)
    if not re.fullmatch(aws_names.ZONE_ID, id_):
        raise WrongValueError("is not the ID of a Route 53 zone", "write it as Z0123456789ABCDEFGHIJ")
    return id_


def key(value: Any) -> str:
    """The ARN of a KMS key: IAM policies do not accept aliases as resources."""
    arn = v.text(value)
    if not re.fullmatch(aws_names.KEY_ARN, arn):
        raise WrongValueError("is not the ARN of a KMS key", "write it as arn:aws:kms:REGION:ACCOUNT:key/ID")
    return arn


class Configuration(Part):
    """The bootstrap's settings."""

    region: aws_names.Region = Field(alias="aws:region")
    repository: Repository
    branch: Branch = "main"
    environments: Environments = ("dev", "prod")
    permissions_boundary: aws_names.PolicyArn | None = None
    hosted_zones: Annotated[tuple[str, ...], each(zone)] = ()
    kms_keys: Annotated[tuple[str, ...], each(key)] = ()


def load(raw: Mapping[str, str], file: str) -> Configuration:
    """The settings in `raw`: configuration keys with their namespace, and their values as Pulumi passes them.

    file: where the user finds them. Raises SettingsError with every mistake.
    """
    given: dict[str, Any] = {}
    for key, value in raw.items():
        namespace, _, name = key.partition(":")
        if (namespace == NAMESPACE or key == "aws:region") and value:
            try:
                given[key if key == "aws:region" else name] = from_json(value)
            except RecursionError:  # text, which is then of the wrong type
                given[name] = value
    try:
        return Configuration.model_validate(given)
    except ValidationError as error:
        raise SettingsError([_mistake(each, given) for each in error.errors(include_url=False)], file) from None


def _mistake(error: Any, given: Mapping[str, Any]) -> Mistake:
    name = str(error["loc"][0])
    key = name if ":" in name else f"{NAMESPACE}:{name}"
    cause = (error.get("ctx") or {}).get("error")
    if isinstance(cause, WrongValueError):
        # No setting is a secret, but the address of a repository that was cloned with a token contains one.
        showing = not looks_secret(str(given[name]))
        return Mistake(key, quoted(given[name]) if showing else SECRET, *cause.sentence(showing=showing))
    if error["type"] == "missing":
        instead = {"repository": "write OWNER/NAME", "aws:region": "write the region, such as eu-central-1"}
        return Mistake(key, "", "is missing", instead.get(name, "add it"))
    if error["type"] == "extra_forbidden":
        known = ", ".join(str(field.alias) for field in Configuration.model_fields.values())
        return Mistake(key, "", "is not a setting", f"the known ones are {known}")
    return Mistake(key, "", "cannot be used", "see its description in bootstrap/Pulumi.yaml")


def from_pulumi() -> Configuration:
    """The settings of the current stack. Mistakes end the program with one clear error."""
    try:
        return load(configuration()[0], f"bootstrap/Pulumi.{pulumi.get_stack()}.yaml")
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None


def commands(name: str, variables: Mapping[str, str]) -> list[str]:
    """The commands that set the repository's variables. name: the repository's, with or without ids."""
    plain = re.sub(ID, "", name)
    return [f"gh variable set {key} --repo {plain} --body '{value}'" for key, value in sorted(variables.items())]
