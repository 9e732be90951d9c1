"""Whole repositories: the development benchmark of ranking. `commands` is the way in.

::

    commands.py      ``codesearch-eval repositories``, step by step
    benchmark.py     the repositories, and questions about them
    questions.py     all kinds of questions about a repository
    history.py       what commits and documentation ask
    changes.py       what change logs and long messages ask
    tests_say.py     what the descriptions of tests ask
    file_says.py     what files say of themselves
    asked.py         questions that were written, and whether two readers agree
    own_names.py     which questions are refused: those that say the name of what answers
    lists.py         all questions, as they are committed
    trees.py         trees on disk, as they are searched
    texts.py         what is to be encoded of them
    vector_parts.py  its vectors, made on another machine
    runs.py          the candidates of every question
    scores.py        how good an order is
    headline.py      what each kind weighs in one figure
    fit.py           the weights of ranking, fitted
    ablation.py      what each signal is worth
    foreign.py       questions that a repository does not answer
    calibration.py   how far results are to be believed, fitted
    reliability.py   and how true that is
    peers.py         another tool, asked the same
"""
