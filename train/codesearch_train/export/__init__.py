"""From trained weights to what ships. `conversion` is the way in.

::

    conversion.py           a trained folder -> the model directory that codesearch loads
    hugging_face_folder.py  a model directory -> a folder that a run starts from, and other libraries load
    parity.py               how close the rounded network stays
"""
