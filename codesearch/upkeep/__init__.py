"""Keeping indexes fresh, for every surface: what is meant, what is stale, who updates it, and how it is doing."""
