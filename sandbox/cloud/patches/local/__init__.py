"""What only this environment wants of moto."""
