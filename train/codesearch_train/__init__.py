"""Training of the code encoder: corpus, batches, objective, trainer, distillation, export.

The method is that of cpt-code (Neelakantan et al., *Text and Code Embeddings by Contrastive
Pre-Training*, arXiv 2201.10005): a text and the code it describes are pulled together, and pushed
away from every other text and code of a large batch.

Read in this order: `config` (every hyper-parameter), `trainer` (the loop), `objective` (the loss),
`model` (the encoder), `batches` (what goes into a step), `gradcache` (how a batch larger than memory
is differentiated).
"""
