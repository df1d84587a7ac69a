"""Which pinned versions have newer ones: `make upgrades`."""
