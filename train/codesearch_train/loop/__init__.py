"""The training loop. `trainer` is the way in, `config` has every hyper-parameter.

::

    config.py        hyper-parameters, from a TOML file
    trainer.py       the loop
    construction.py  what a run needs, assembled from its configuration
    epochs.py        batches, epoch after epoch
    optimization.py  the optimizer, and the rate of each step
    progress.py      what a run tells whoever watches it
    batches.py       which pairs make up a batch
    objective.py     the contrastive loss
    distillation.py  the loss of a student
    teaching.py      what teachers make of every pair, computed ahead
    gradcache.py     gradients of a batch that is larger than memory
    mining.py        hard negatives from a model itself
    development.py   sets whose MRR is watched during a run
    checkpoint.py    from which a run goes on exactly
    distributed.py   several processes, one a GPU
    memory.py        how many tokens fit
"""
