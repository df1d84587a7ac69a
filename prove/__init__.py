"""`make prove`: docs/unproven.md in one command, in a separate stack on a real AWS account.

Reports its findings. Works wherever `pulumi up` works; needs neither root nor the local environment.
"""
