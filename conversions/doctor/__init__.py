"""The postback doctor: explains a pasted address or curl command, its errors, and the decision it would get."""

from conversions.doctor.diagnosis import DiagnosedProblem, Diagnosis, diagnose
from conversions.doctor.reading import NotReadable, Sent, as_form, read

__all__ = ["Diagnosis", "DiagnosedProblem", "NotReadable", "Sent", "as_form", "diagnose", "read"]
