"""`make prove`: docs/unproven.md in one command, in a stack of its own on a real AWS account.

Reports what was seen. Works wherever `pulumi up` works; needs no root, and nothing of the local environment.
"""
