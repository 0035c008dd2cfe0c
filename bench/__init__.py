"""Benchmarks: each is a ratio against a baseline that is measured in the same run, on the same servers."""
