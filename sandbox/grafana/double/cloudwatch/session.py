"""AWS clients with a data source's credentials, region and endpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ..context import context
from ..datasources import DataSource
from ..errors import QueryError

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_AUTHENTICATION = frozenset({"keys", "default", "ec2_iam_role", "credentials"})

_profiles: dict[str, Any] = {}
"""The credentials of the profiles used so far, by name. Grafana keeps its AWS configuration while it runs
(grafana-aws-sdk, pkg/awsauth/auth.go): keys in a file are read once, those of a credential_process kept until they
expire."""

_MODELS = botocore.session.Session().get_component("data_loader")
"""The descriptions of AWS's services. Reading EC2's takes half a second, so all sessions share them."""


class Session:
    """Makes the calls of one query.

    region: `default` or empty for the data source's defaultRegion.
    Raises QueryError for settings that Grafana would refuse.
    """

    def __init__(self, source: DataSource, region: str = "default") -> None:
        options = source.json_data
        self.region = str(options.get("defaultRegion") or "") if region in ("", "default") else region
        if not self.region:
            raise QueryError("missing default region", 400, "plugin")
        self._endpoint = _address(str(options.get("endpoint") or ""))
        self._session = botocore.session.Session()
        self._session.register_component("data_loader", _MODELS)
        authentication = str(options.get("authType") or "default")
        if authentication != "credentials":
            # The credential files of the user that runs the server are not the data source's.
            self._session.set_config_variable("config_file", os.devnull)
            self._session.set_config_variable("credentials_file", os.devnull)
        if authentication not in _AUTHENTICATION & context().settings.aws_auth_providers:
            raise QueryError(f'attempting to use an auth type that is not allowed: "{authentication}"', 400, "plugin")
        role = str(options.get("assumeRoleArn") or "")
        if role and not context().settings.aws_assume_role:
            raise QueryError("trying to use assume role but it is disabled in grafana config", 400, "plugin")
        if authentication == "keys":
            access, secret = source.secure.get("accessKey", ""), source.secure.get("secretKey", "")
            if not access or not secret:
                raise QueryError("static credentials are empty: accessKey and secretKey are required", 400, "plugin")
            self._session.set_credentials(access, secret)
        elif authentication == "credentials":
            # Does the same as `set_credentials`, which only takes keys that never expire.
            self._session._credentials = self._of_profile(  # type: ignore[attr-defined]
                str(options.get("profile") or "default")
            )
        if role:
            self._assume(role, str(options.get("externalId") or ""))

    def _of_profile(self, profile: str) -> Any:
        if profile not in _profiles:
            self._session.set_config_variable("profile", profile)
            try:
                _profiles[profile] = self._session.get_credentials()
            except BotoCoreError as error:
                raise QueryError(f"failed to get shared config profile, {profile}: {error}", 400, "plugin") from None
        return _profiles[profile]

    def _assume(self, role: str, external_id: str) -> None:
        """Assume a role as grafana-aws-sdk does (pkg/awsauth/settings.go, WithAssumeRole), but for each query, and from
        STS in the query's region."""
        extra = {"ExternalId": external_id} if external_id else {}
        answer = self.call(
            "sts", "assume_role", "assuming the role failed", RoleArn=role, RoleSessionName="grafana", **extra
        )
        keys = answer["Credentials"]
        self._session.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def _client(self, service: str) -> Any:
        authorities = os.environ.get("SSL_CERT_FILE", SYSTEM_AUTHORITIES)
        return self._session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self._endpoint,
            verify=authorities if Path(authorities).exists() else True,
            config=Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}),
        )

    def call(self, service: str, operation: str, failure: str, **arguments: Any) -> dict[str, Any]:
        """Make one call; QueryError `failure: reason` if AWS refuses it or cannot be reached."""
        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**arguments)
        except ClientError as error:
            details = error.response
            status = details.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            reason = details.get("Error", {})
            raise QueryError(f"{failure}: {reason.get('Code')}: {reason.get('Message')}", status) from None
        except (BotoCoreError, RuntimeError, ValueError) as error:
            raise QueryError(f"{failure}: {error}") from None
        return answer

    def pages(self, service: str, operation: str, failure: str, key: str, **arguments: Any) -> list[Any]:
        """All entries under `key` from all pages of a call."""
        found: list[Any] = []
        token: dict[str, str] = {}
        while True:
            answer = self.call(service, operation, failure, **arguments, **token)
            found += answer.get(key) or []
            name = "PaginationToken" if service == "resourcegroupstaggingapi" else "NextToken"
            if not answer.get(name):
                return found
            token = {name: answer[name]}


def _address(endpoint: str) -> str | None:
    """jsonData.endpoint as a URL; Grafana also accepts a bare host name."""
    if not endpoint:
        return None
    return endpoint if "://" in endpoint else f"https://{endpoint}"
