"""The `aws` package's stand-in: the resources and functions the program uses, on the local AWS by boto3.

Inputs, defaults, outputs and replacements are those of pulumi-aws 7 (terraform-provider-aws 6); what the
local AWS is more lenient about than the real one (length of user data, architectures, parameter sizes) is refused here.
"""
