"""The encoder by itself: public data sets under named protocols. `evaluation` is the way in.

::

    protocols.py       the rules, by name
    evaluation.py      one system under one protocol: tasks in, a result out
    datasets.py        readers of data sets
    codesearchnet.py   CodeSearchNet and its challenge as tasks
    cosqa.py           CoSQA as a task
    stack_overflow.py  StaQC and CoNaLa as tasks
    docstrings.py      what of a docstring is asked, and whether the code keeps it
    pools.py           tasks in files, for a run to watch
    systems.py         what is evaluated
    loading.py         names from the command line -> systems
    baselines.py       BM25, and models as others publish them
    vectors.py         vectors kept on disk
    results.py         results as JSON files
    comparison.py      two results, question by question
    published.py       figures of others
    report.py          results -> tables
    plots.py           results -> plots
    text_sets.py       public sets of ordinary texts
    text_probes.py     linear probe and similarity on them
    recipe.py          what text of a chunk is best encoded
"""
