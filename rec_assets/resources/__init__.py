"""What assets need from the world: one DuckDB connection, one store, one IO manager."""
