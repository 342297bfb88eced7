"""Two spans of time side by side: distances, the registry of measures, and the null."""
