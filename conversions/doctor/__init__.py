"""The postback doctor: what a pasted address or curl command is, what is wrong with it, and what would come of it."""

from conversions.doctor.diagnosis import Diagnosis, Fault, diagnose
from conversions.doctor.reading import NotReadable, Sent, as_form, read

__all__ = ["Diagnosis", "Fault", "NotReadable", "Sent", "as_form", "diagnose", "read"]
