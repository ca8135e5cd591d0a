"""What all of the core rests on: errors, relations, flat sequences, lineage, files of tensors."""
