"""From a question, a place or a snippet to matches: candidates, ranking, and why an answer is empty.

``pipeline`` reads top to bottom; ``candidates`` asks the index; ``ranking`` decides.
"""
