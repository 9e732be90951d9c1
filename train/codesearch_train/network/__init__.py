"""The network that is trained: layers without padding, weights in Hugging Face's layout.

::

    model.py              the encoder
    quantisation.py       activations rounded as the 8-bit graph rounds them
    text_preparation.py   what the tokenizer does to a text first
    weights.py            folders of models: read, written, averaged
    hugging_face.py       names of weights, ours and theirs
"""
