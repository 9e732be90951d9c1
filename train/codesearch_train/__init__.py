"""Training of the code encoder: corpus, batches, objective, trainer, distillation, export.

The method is that of cpt-code (Neelakantan et al., *Text and Code Embeddings by Contrastive
Pre-Training*, arXiv 2201.10005): a text and the code it describes are pulled together, and pushed
away from every other text and code of a large batch.

Read in this order: `loop.config` (every hyper-parameter), `loop.trainer` (the loop), `loop.construction` (what it is
made of), `loop.objective` (the loss), `network.model` (the encoder), `loop.batches` (what goes into a step),
`loop.gradcache` (how a batch larger than memory is differentiated).

::

    corpus/   from repositories to pairs
    network/  what is trained
    loop/     how
    export/   what ships
    kernels/, rounding/, graph/
              attention, weights in 8 bits, the ONNX graph: rarely changed
    tune.py   all of it for a user's own repository, in minutes
    cli.py    the command ``codesearch-train``
"""
