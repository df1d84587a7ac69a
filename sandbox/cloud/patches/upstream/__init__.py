"""What moto itself should do."""
