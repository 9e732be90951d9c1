"""From repositories to decontaminated, tokenised pairs of text and code. `building` is the way in.

::

    building.py         a list of repositories -> a finished corpus, a step at a time
    repository.py       one repository -> its pairs, filtered
    work_tree.py        a user's own repository -> its pairs, for fine-tuning
    pairs.py            a pair; pairs from documentation, names and comments
    commits.py          pairs from the history
    prose.py            pairs from READMEs and manuals
    questions.py        pairs from data sets of human questions
    codesearchnet.py    CodeSearchNet's own training data as a corpus
    licences.py         which licence, and whether it permits
    filters.py          what is not worth learning
    fingerprints.py     normal forms and hashes of code and text
    decontamination.py  keeps what encoders are evaluated on out
    deduplication.py    near-duplicates
    parts.py            what is kept of a repository, so that a run can be resumed
    assembly.py         parts -> the shards of a corpus, and its manifest
    shards.py           pairs on disk
    token_files.py      pairs as token ids, and their files
"""
