"""The stack's configuration: read once, checked completely, then typed and immutable.

`from_pulumi()` is for the program; `load()` is the pure function behind it.
"""

from settings.accounts import CloudwatchAccount
from settings.alerting import AlertThresholds, ContactPoints, DeadMansSwitch
from settings.database import Database
from settings.hosts import Host
from settings.inputs import Inputs
from settings.load import configuration, from_pulumi, load
from settings.mail import Smtp
from settings.metrics import CustomMetric
from settings.mistakes import Mistake, SettingsError, WrongValueError
from settings.model import ExternalInfluxdb, OwnCertificate, Repository, Settings
from settings.oauth import OAuth
from settings.public_certificate import PublicCertificate

__all__ = [
    "AlertThresholds",
    "CloudwatchAccount",
    "ContactPoints",
    "CustomMetric",
    "Database",
    "DeadMansSwitch",
    "ExternalInfluxdb",
    "Host",
    "Inputs",
    "Mistake",
    "OAuth",
    "OwnCertificate",
    "PublicCertificate",
    "Repository",
    "Settings",
    "SettingsError",
    "Smtp",
    "WrongValueError",
    "configuration",
    "from_pulumi",
    "load",
]
