"""The tables: what is used together lies together, and commands load those that they use.

Rows are written by the verbs of `postbell.store` and leave it as values of the domain.
"""
