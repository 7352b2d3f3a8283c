"""The other side, played by us: people, a practice's software, a booking platform.

Only the command line, the tests and the benchmarks import it.
"""
