"""The product over in-memory twins: the same code, a clock of its own, and faults on purpose.

Nothing of the product imports this package, except the command line for `greenlight simulate`.
"""
