"""What a coding agent has to read until it has seen the right function."""
