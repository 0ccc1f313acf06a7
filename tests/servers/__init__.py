"""The real servers that tests and benchmarks run against, on free ports of 127.0.0.1, in temporary directories."""
