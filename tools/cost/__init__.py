"""What a stack costs a month, computed from its settings and tools/prices.toml."""
