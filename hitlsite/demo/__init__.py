"""A small bank's support operation, made by the real verbs under a moved clock: every invariant holds on it."""
