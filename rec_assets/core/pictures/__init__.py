"""Small pictures for the metadata of assets: PNG below 50 KB, since the event log keeps several copies."""
