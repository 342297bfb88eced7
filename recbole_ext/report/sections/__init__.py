"""The sections of a run's page, each from what its record holds; a section without anything to show is left out."""
