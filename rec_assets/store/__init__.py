"""The store: formats, atomic writes, one DuckDB connection, the IO manager, versions of the promoted model."""
