"""The model that readers use: one immutable file per version, mapped into memory; and the gate before it."""
