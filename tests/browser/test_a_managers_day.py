"""A manager of three affiliates among fifty works for a day, and no answer of the server names a fourth."""

import pytest
from playwright.sync_api import Page, Route, expect

from affiliates.assigning import assign
from affiliates.models import Affiliate
from conversions.models import Conversion
from tests.browser.test_click_to_portal import sign_in
from tests.factories import (
    AffiliateFactory,
    ClickFactory,
    ConversionFactory,
    EnrollmentFactory,
    GoalFactory,
    LedgerEntryFactory,
    OperatorFactory,
    PostbackFactory,
    TrackingLinkFactory,
)

pytestmark = pytest.mark.browser
OWN = ("Nova Amber", "Nova Birch", "Nova Cedar")
OTHERS = tuple(f"Nova Xylo{number:02d}" for number in range(47))
# No name of the three has it, and each of the others.
FOURTH = "Xylo"


@pytest.fixture
def program(transactional_db: None) -> dict[str, Affiliate]:
    goal = GoalFactory()
    found: dict[str, Affiliate] = {}
    for name in (*OWN, *OTHERS):
        affiliate = found[name] = AffiliateFactory(name=name)
        link = TrackingLinkFactory(enrollment=EnrollmentFactory(affiliate=affiliate, offer=goal.offer))
        click = ClickFactory(link=link)
        row = ConversionFactory(goal=goal, affiliate=affiliate, link=link, click_id=click.pk, status="pending")
        PostbackFactory(advertiser=goal.offer.advertiser, conversion=row, click_id=click.pk)
        LedgerEntryFactory(affiliate=affiliate)
    mia = OperatorFactory(name="Mia", email="mia@operator.example", roles=["manager"])
    assign(affiliate_ids=[found[name].pk for name in OWN], manager=mia)
    # One of the three earns for a parent that is not hers to see.
    Affiliate.objects.filter(name=OWN[0]).update(parent=found[OTHERS[0]])
    return found


def capture(page: Page) -> dict[str, str]:
    """The texts of all answers that the browser gets from now on, by address."""
    texts: dict[str, str] = {}

    def hand_over(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        if answer.headers.get("content-type", "").startswith(("text/html", "application/json", "text/csv")):
            texts[f"{route.request.method} {route.request.url}"] = answer.text()
        route.fulfill(response=answer)

    page.route("**/*", hand_over)
    return texts


def test_a_manager_of_three_among_fifty_does_a_days_work_and_never_sees_a_fourth(page: Page, web, program) -> None:
    texts = capture(page)

    def visit(path: str) -> None:
        page.goto(f"{web.base_url}{path}")

    sign_in(page, web, "mia@operator.example")
    visit("/admin/")
    expect(page.get_by_text("Nova Amber").first).to_be_visible()

    visit("/admin/affiliates/affiliate/")
    for name in OWN:
        expect(page.get_by_text(name).first).to_be_visible()
    amber = program[OWN[0]]
    visit(f"/admin/affiliates/affiliate/{amber.pk}/change/")
    expect(page.get_by_text(amber.public_id).first).to_be_visible()

    visit("/admin/conversions/conversion/?status__exact=pending")
    row = Conversion.objects.get(affiliate=program[OWN[1]])
    visit(f"/admin/conversions/conversion/{row.pk}/change/")
    visit(f"/admin/conversions/conversion/{row.pk}/approve/")
    page.locator("main button[type=submit], form button[type=submit]").last.click()
    page.wait_for_load_state()
    row.refresh_from_db()
    assert row.status == "approved"

    visit("/admin/payouts/ledgerentry/export/")
    page.locator("select[name=format]").select_option("0")
    with page.expect_download():
        page.get_by_role("button", name="Submit").click()
    exported = texts[f"POST {web.base_url}/admin/payouts/ledgerentry/export/"]
    assert OWN[0] in exported

    visit("/admin/search/?s=Nova&extended=1")
    assert OWN[2] in texts[f"GET {web.base_url}/admin/search/?s=Nova&extended=1"]
    visit(f"/trace/conversion/{row.public_id}/")
    expect(page.get_by_text(OWN[1]).first).to_be_visible()
    for path in ("affiliates_enrollment", "tracking_trackinglink", "tracking_click", "payouts_statement"):
        visit(f"/admin/{path.replace('_', '/')}/")
    fields = "app_label=tracking&model_name=trackinglink&field_name=enrollment&term=Nova"
    visit(f"/admin/autocomplete/?{fields}")
    visit("/api/v1/conversions/")
    visit("/api/v1/affiliates/")

    other = program[OTHERS[1]]
    for path in (f"/admin/affiliates/affiliate/{other.pk}/change/", f"/?as={other.public_id}"):
        answer = page.request.get(f"{web.base_url}{path}", max_redirects=0)
        assert answer.status in (302, 404)
        texts[path] = answer.text()

    named = {url for url, text in texts.items() if FOURTH in text or other.public_id in text}
    assert named == set()
    assert len(texts) > 15
