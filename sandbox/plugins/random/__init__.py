"""Stand-in for the `random` provider: random passwords and strings."""
