"""What text holds beneath any language: data embedded in code, and notebooks.

::

    blobs.py      long literals and tables of data: found, so that neither judging nor showing a file drowns in them
    notebooks.py  Jupyter's notebooks: cells, and the lines that they stand on
"""
