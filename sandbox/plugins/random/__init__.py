"""Stand-in for the `random` provider: passwords, strings and ids from the system's random numbers."""
