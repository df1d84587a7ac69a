"""What only this environment needs from moto."""
