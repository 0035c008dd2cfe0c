"""People, affiliates, advertisers, offers, and affiliates' access to offers."""

from affiliates.models.access import ApiKey, CouponCode, Enrollment
from affiliates.models.advertisers import Advertiser, AdvertiserSecret
from affiliates.models.apps import MobileApp
from affiliates.models.offers import Offer, OfferDestination, TrackingDomain
from affiliates.models.people import Affiliate, AffiliateMember, Assignment, CustomRole, Parentage, User, UserManager

__all__ = [
    "Advertiser",
    "AdvertiserSecret",
    "Affiliate",
    "AffiliateMember",
    "ApiKey",
    "Assignment",
    "CouponCode",
    "CustomRole",
    "Enrollment",
    "MobileApp",
    "Offer",
    "OfferDestination",
    "Parentage",
    "TrackingDomain",
    "User",
    "UserManager",
]
