"""RecBole's models at the border: subclasses that fix a bug."""
