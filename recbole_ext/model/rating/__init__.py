"""Parts of HybridVAE."""
