"""Files of tables to blocks of records, and records to columns."""
