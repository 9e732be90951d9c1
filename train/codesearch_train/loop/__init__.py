"""The training loop: configuration, batches, objective, gradients, checkpoints, distillation."""
