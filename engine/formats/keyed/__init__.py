"""Tables that `export` wrote, read back as rows that claim content keys; who lands them derives these again."""
