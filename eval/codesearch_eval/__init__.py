"""Evaluation of code encoders and of the product that stands on them.

The vocabulary is that of information retrieval: a *protocol* fixes the task and its rules, a *system*
scores documents for queries, a *result* is one system under one protocol. `codesearch_eval.metrics` holds
pure functions, `protocols` the rules, `datasets` the readers, `systems` what is measured, `results` the
JSON records, and `cli` the command ``codesearch-eval``.
"""
