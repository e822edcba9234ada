"""`python -m bench` measures what docs/benchmarks.md reports: ratios in one run, no promises in seconds."""
