"""The loop: trainer, optimiser, checkpoints, progress, run directories."""
