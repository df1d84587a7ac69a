"""Stand-in for the `random` provider: passwords from the system's random numbers."""
