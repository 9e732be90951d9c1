"""Matches as people and programs read them: text, JSON, Markdown, highlighted source."""
