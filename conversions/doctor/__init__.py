"""The postback doctor: explains a pasted address or curl command, its errors, and the decision it would get."""

from conversions.doctor.diagnosis import DiagnosedProblem, Diagnosis, diagnose
from conversions.doctor.reading import NotReadable, SentRequest, as_form, read

__all__ = ["Diagnosis", "DiagnosedProblem", "NotReadable", "SentRequest", "as_form", "diagnose", "read"]
