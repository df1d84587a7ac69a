"""The local environment: one Linux machine that stands in for AWS, Grafana and the provider plugins.

It uses the product only through Pulumi and the stack's files, and the product is unaware of it.
"""
