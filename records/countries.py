"""Countries, by the two capitals of ISO 3166."""

from django.core.validators import RegexValidator

from records.translation import gettext_lazy as _

country_code = RegexValidator(r"^[A-Z]{2}$", _("A country is two capitals, as in ISO 3166: DE, BR."))
