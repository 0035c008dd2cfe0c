"""How the description of the REST API is made: its title and text, and the names of its enums."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Affidavit API",
    "VERSION": "1",
    "DESCRIPTION": (
        "Send your key as `Authorization: Bearer afk_...`. An affiliate's key sees that affiliate's own rows, an "
        "operator's key everything. Amounts are text with a currency beside them, moments are UTC. Lists are "
        "pages: follow `next` until it is null. A parameter that is not known is refused, never ignored."
    ),
    "SERVE_INCLUDE_SCHEMA": False,
    # What is sent is held to more than what is answered.
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "web.rest.schema.add_errors",
        "conversions.endpoints.bulk_description.add_bulk",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AffiliateStatus": "affiliates.models.Affiliate.Status",
        "EnrollmentStatus": "affiliates.models.Enrollment.Status",
        "OfferStatus": "affiliates.models.Offer.Status",
        "ConversionStatus": "conversions.models.Conversion.Status",
        "PayoutStatus": "payouts.models.Payout.Status",
        "EntryKind": "payouts.models.LedgerEntry.Kind",
        "WhatIfState": "payouts.models.WhatIf.State",
        "QualificationKind": "conversions.qualification_kinds.table.kind_choices",
        "Reason": "conversions.reasons.codes.Reason",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
