"""Stand-in for the `random` provider: passwords and strings from the system's random numbers."""
