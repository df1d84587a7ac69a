"""The parts a monitoring environment is made of: one ComponentResource a file."""
