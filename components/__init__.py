"""The parts of a monitoring environment: one ComponentResource per file."""
