"""The operator panel's pages for people, advertisers, offers and accounts."""

from affiliates.admin.accounts import UserAdmin
from affiliates.admin.advertisers import AdvertiserAdmin
from affiliates.admin.api_keys import ApiKeyAdmin
from affiliates.admin.offers import CouponCodeAdmin, EnrollmentAdmin, OfferAdmin
from affiliates.admin.people import AffiliateAdmin
from affiliates.admin.roles import CustomRoleAdmin

__all__ = [
    "AdvertiserAdmin",
    "AffiliateAdmin",
    "ApiKeyAdmin",
    "CouponCodeAdmin",
    "CustomRoleAdmin",
    "EnrollmentAdmin",
    "OfferAdmin",
    "UserAdmin",
]
