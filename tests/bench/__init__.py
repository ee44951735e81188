"""Benches: `./streamify bench NAME` measures one area of this machine against a reference in the same run.

Each makes its own input, needs no network, cleans up, and ends within ten minutes on two cores. None is a timed test.
"""
