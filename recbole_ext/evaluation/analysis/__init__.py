"""What the pages of a run draw of its test, besides metrics: places, groups, calibration, examples."""
