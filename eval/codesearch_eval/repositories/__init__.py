"""Whole repositories: the development benchmark of ranking, its scores, and the fit of the weights."""
