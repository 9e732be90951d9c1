"""The network that is trained: layers without padding, attention kernels, and its weights in Hugging Face's layout."""
