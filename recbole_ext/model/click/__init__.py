"""Parts of MDAFMamba and MDAFBST."""
