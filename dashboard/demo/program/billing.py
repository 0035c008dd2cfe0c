"""How the demo's invoices are written: by a company in Lisbon, for a neighbour, businesses abroad, and a small one."""

from datetime import datetime
from typing import NamedTuple

from affiliates.models import AffiliateMember
from dashboard.demo.program.groundwork import Ground
from dashboard.demo.program.partners import BEE, DESK, DUARTE, KOMPASS, NORDIC, OKAFOR
from payouts.invoicing.billing import agree, set_details
from payouts.models import Issuer


class Billed(NamedTuple):
    """The billing details that an affiliate entered. One affiliate has not agreed yet; two have entered nothing."""

    legal_name: str
    address: str
    country: str
    vat_number: str = ""
    is_small_business: bool = False
    agreed: bool = True


# Numbers whose check digits fit; most are examples out of the documentation of the rules.
BILLED = {
    DUARTE: Billed("Ana Duarte Media, Lda.", "Rua das Flores 18\n1200-195 Lisboa", "PT", "PT512345678"),
    OKAFOR: Billed("Ben Okafor Reviews Ltd", "7 Canal Street\nManchester M1 3HE", "GB", "GB980780684"),
    DESK: Billed("TopTradeDesk s.r.o.", "Dlouhá 12\n110 00 Praha 1", "CZ", "CZ25123891"),
    BEE: Billed("Bargain Bee, Inh. Lena Vogt", "Lindenweg 4\n50667 Köln", "DE", is_small_business=True),
    KOMPASS: Billed("Kasino-Kompass e.U.", "Neubaugasse 9/3\n1070 Wien", "AT", "ATU13585627"),
    NORDIC: Billed("Nordic Bonus Hub AB", "Götgatan 30\n118 46 Stockholm", "SE", "SE556188840401", agreed=False),
}


def lay_billing(ground: Ground, *, since: datetime) -> None:
    """The company that issues the invoices, and the affiliates that it issues them for."""
    Issuer.objects.create(
        name="Atlantic Partner Programs, Lda.",
        address="Avenida da Liberdade 110\n1269-046 Lisboa",
        country="PT",
        vat_number="PT501964843",
        registration="Conservatória do Registo Comercial de Lisboa 501964843",
        self_billing_words="Self-billing (autofaturação)",
    )
    owners = {row.affiliate_id: row.user for row in AffiliateMember.objects.select_related("user")}
    for name, billed in BILLED.items():
        affiliate = ground.affiliates[name]
        given = {field: value for field, value in billed._asdict().items() if field != "agreed"}
        set_details(affiliate=affiliate, given=given, actor=owners[affiliate.pk], now=since)
        if billed.agreed:
            agree(affiliate=affiliate, actor=owners[affiliate.pk], now=since)
