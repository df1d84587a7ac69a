"""Stand-in for the `aws` provider: the resources and functions that the program uses, with boto3 on the local AWS.

Inputs, defaults, outputs and replacements are those of pulumi-aws 7 (terraform-provider-aws 6).
"""
