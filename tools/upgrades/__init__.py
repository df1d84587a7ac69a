"""Which of the pinned versions have newer ones: `make upgrades`."""
