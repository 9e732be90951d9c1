"""From repositories to decontaminated, tokenised pairs of text and code."""
