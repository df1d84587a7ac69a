"""What surrounds the components: the AWS identity, lookups, names, and what is rendered."""
