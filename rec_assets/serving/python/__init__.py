"""What ``import rec_assets`` gives in Python: a model that answers with DataFrames, loaded or trained in memory."""
