"""Evaluation of code encoders and of the product that stands on them.

The vocabulary is that of information retrieval: a *protocol* fixes the task and its rules, a *system*
scores documents for queries, a *result* is one system under one protocol.

::

    encoder/       the encoder by itself
    repositories/  ranking of whole repositories
    agents/        what a coding agent reads
    performance/   speed and memory
    metrics.py     pure functions over arrays
    charts.py      the charts of the README
    cli.py         the command ``codesearch-eval``
"""
