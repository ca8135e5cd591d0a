"""Errors that name the file, column or setting, what was found, what was expected and what to do."""


class RecAssetsError(Exception):
    """Base of all errors that a user can mend; never worth a retry."""


class SourceError(RecAssetsError):
    """A playlist file cannot be used: missing, empty, of another format, or with too many rejects."""


class DataError(RecAssetsError):
    """The rows were read, but there is too little in them for the step, or the wrong thing."""


class SettingsError(RecAssetsError):
    """A setting is out of its bounds, by itself or together with the data."""


class StoreError(RecAssetsError):
    """The store cannot be read or written: no space, no permission, or a file of another kind."""


class TrainingError(RecAssetsError):
    """A trainer thread died; its own error is the cause of this one."""
