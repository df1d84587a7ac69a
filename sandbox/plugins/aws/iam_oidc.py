"""Identity providers: aws.iam.OpenIdConnectProvider, and the lookup of an existing one."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.plugins.aws.client import Aws
from sandbox.plugins.aws.iam_policy import GONE
from sandbox.plugins.aws.resource import TAGGED, TAGS, TaggedResource, or_gone, present, tag_list, tag_map
from sandbox.plugins.base import TEXT, Failure, Function, Input, ListOf, PluginError, Properties, fields

_SCHEME = "https://"


class OpenIdConnectProvider(TaggedResource):
    """An identity provider. An account can have one per URL."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    title = "IAM OIDC Provider"
    inputs = fields(
        clientIdLists=Input(ListOf(TEXT, ordered=False), required=True),
        thumbprintLists=Input(ListOf(TEXT), computed=True),
        url=Input(TEXT, required=True, replaces=True),
        **TAGS,
    )
    outputs = fields(**TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        url = inputs.get("url")
        if isinstance(url, str) and not url.startswith(_SCHEME):
            yield Failure("url", f'expected "url" to have a url with schema of: "https", got {url}')

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        arn = self.iam.create_open_id_connect_provider(
            Url=inputs["url"],
            ClientIDList=inputs["clientIdLists"],
            **present(ThumbprintList=inputs.get("thumbprintLists"), Tags=self.tag_list(inputs)),
        )["OpenIDConnectProviderArn"]
        return arn, self.read(arn, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        found = or_gone(lambda: self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=id_), *GONE)
        if found is None:
            return None
        return {
            "arn": id_,
            "clientIdLists": found["ClientIDList"],
            "thumbprintLists": found.get("ThumbprintList", []),
            "url": _SCHEME + found["Url"].removeprefix(_SCHEME),
            **self.tags_out(found.get("Tags"), state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        for client in set(new["clientIdLists"]) - set(old["clientIdLists"]):
            self.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=id_, ClientID=client)
        for client in set(old["clientIdLists"]) - set(new["clientIdLists"]):
            self.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=id_, ClientID=client)
        if new.get("thumbprintLists") and new["thumbprintLists"] != old.get("thumbprintLists"):
            self.iam.update_open_id_connect_provider_thumbprint(
                OpenIDConnectProviderArn=id_, ThumbprintList=new["thumbprintLists"]
            )
        self.apply_tags(
            old,
            new,
            tag=lambda tags: self.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=id_, Tags=tag_list(tags)),
            untag=lambda keys: self.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        or_gone(lambda: self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=id_), *GONE)


def get_open_id_connect_provider(aws: Aws, arguments: Properties) -> Properties:
    """The provider with this URL. Raises PluginError if there is none
    (terraform-provider-aws, internal/service/iam/openid_connect_provider_data_source.go)."""
    iam, url = aws.client("iam"), str(arguments.get("url", ""))
    listed = [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    wanted = [arn for arn in listed if arn.partition("oidc-provider/")[2] == url.removeprefix(_SCHEME)]
    if not wanted:
        raise PluginError(f"finding IAM OIDC Provider by url ({url}): not found")
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=wanted[0])
    return {
        "arn": wanted[0],
        "clientIdLists": found["ClientIDList"],
        "id": wanted[0],
        "tags": tag_map(found.get("Tags")),
        "thumbprintLists": found.get("ThumbprintList", []),
        "url": found["Url"],
    }


FUNCTION = Function(
    "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider",
    fields(url=Input(TEXT, required=True)),
    get_open_id_connect_provider,
)
