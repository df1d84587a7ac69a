"""Tests of the benchmarks: the parts that need no environment."""
