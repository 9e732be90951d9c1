"""Whole repositories: the development benchmark of ranking. `commands` is the way in.

::

    commands.py     ``codesearch-eval repositories``, step by step
    benchmark.py    the repositories, and questions about them
    history.py      what commits and documentation ask
    questions.py    all kinds of questions about a repository
    trees.py        trees on disk, as they are searched
    runs.py         the candidates of every question
    scores.py       how good an order is
    fit.py          the weights of ranking, fitted
    ablation.py     what each signal is worth
    foreign.py      questions that a repository does not answer
    calibration.py  how far results are to be believed, fitted
    reliability.py  and how true that is
    peers.py        another tool, asked the same
"""
