"""What text holds beneath any language: data embedded in code, notebooks, and what a text is at all.

::

    blobs.py      long literals and tables of data: found, so that neither judging nor showing a file drowns in them
    content.py    source code, settings, prose or data: judged from the text alone
    notebooks.py  Jupyter's notebooks: cells, and the lines that they stand on
"""
