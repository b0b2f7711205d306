"""The transfer map: which properties help which, and how we know.

The world a map is drawn of: problem.py. Many small networks, trained fast: small.py, compiled in kernels.py.
"""
