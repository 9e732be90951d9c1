"""The encoder by itself: public data sets under named protocols."""
