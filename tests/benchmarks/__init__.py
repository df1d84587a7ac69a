"""Tests of those parts of the benchmarks that need no environment."""
