"""What the rooms share: values with lineage, schemas, checks of tables."""
