"""The operator panel's pages for people, advertisers, offers and accounts."""

from affiliates.admin.accounts import ApiKeyAdmin, UserAdmin
from affiliates.admin.advertisers import AdvertiserAdmin
from affiliates.admin.offers import CouponCodeAdmin, EnrollmentAdmin, OfferAdmin
from affiliates.admin.people import AffiliateAdmin

__all__ = [
    "AdvertiserAdmin",
    "AffiliateAdmin",
    "ApiKeyAdmin",
    "CouponCodeAdmin",
    "EnrollmentAdmin",
    "OfferAdmin",
    "UserAdmin",
]
