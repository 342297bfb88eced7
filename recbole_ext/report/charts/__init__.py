"""Charts, one module per kind; each makes a `Drawing`, which a page shows as SVG and `results.png` as pixels."""
