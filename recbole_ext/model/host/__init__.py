"""RecBole's models at the border: subclasses that mend a fault."""
