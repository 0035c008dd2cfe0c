"""Why a version may begin in the past: the consents to its terms, or the proof that no affiliate loses."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from payouts.models import PlanConsent, PlanEffect, PlanVersion
from payouts.plan_changes.consents import answers_to
from payouts.plan_changes.what_if_report import difference_words
from payouts.rights import HIDDEN
from web.panel import label, link_to, moment, rows_of

ANSWERS = {"accepted": "success", "declined": "danger"}
# A program may have thousands of affiliates: the list of consents has them all.
SHOWN = 100


def agreed_shown(version: PlanVersion, *, with_commission: bool) -> SafeString | str:
    if version.effective_from >= version.created_at:
        return gettext(
            "It began when it was published, or later: no event was priced again, and no consent was needed."
        )
    answers = list(answers_to(version.plan, version.digest).values()) if version.digest else []
    proof = PlanEffect.objects.filter(plan=version.plan_id, digest=version.digest).select_related("affiliate")
    number = proof.count()
    parts = [_answers(answers)] if answers else []
    shown = proof.order_by("affiliate__name", "currency")[:SHOWN] if with_commission else []
    parts += [_proof(list(shown), number)] if number else []
    return (
        format_html("{}" * len(parts), *parts)
        if parts
        else gettext("No affiliate had events that it would price again.")
    )


def _answers(answers: list[PlanConsent]) -> SafeString:
    lines = (
        (
            link_to(each.affiliate),
            label(each.get_answer_display(), ANSWERS[each.answer]),
            link_to(each, moment(each.answered_at)),
            f"{each.get_source_display()} ({each.answered_by})",
        )
        for each in answers[:SHOWN]
    )
    message = ngettext(
        "{number} affiliate answered exactly these terms.",
        "{number} affiliates answered exactly these terms.",
        len(answers),
    ).format(number=len(answers))
    return format_html(
        '<p>{}</p><div class="aff-gap">{}</div>',
        message,
        rows_of((gettext("Affiliate"), gettext("Answer"), gettext("When"), gettext("How")), lines, empty=""),
    )


def _proof(proof: list[PlanEffect], number: int) -> SafeString:
    lines = (
        (
            link_to(each.affiliate),
            difference_words(each.before, each.after, each.currency),
            difference_words(each.expected_before, each.expected_after, each.currency),
        )
        for each in proof
    )
    message = ngettext(
        "No affiliate lost by it: {number} sum, as they stood when it was published.",
        "No affiliate lost by it: {number} sums, as they stood when it was published.",
        number,
    ).format(number=number)
    return format_html(
        "<p>{}</p>{}",
        message,
        rows_of((gettext("Affiliate"), gettext("Approved"), gettext("With what was pending")), lines, empty=HIDDEN),
    )
