"""The local environment: one Linux machine that stands in for AWS, Grafana and the provider plugins.

It knows the product only through Pulumi and the stack's files, and the product does not know it at all.
"""
