import datetime

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import records.addresses
import records.money
import records.public_ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                ("name", models.CharField(blank=True, max_length=120)),
                ("email", models.EmailField(max_length=254, unique=True)),
                (
                    "time_zone",
                    models.CharField(default="UTC", help_text="Pages show times in this zone.", max_length=60),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Lower("email"), name="user_email_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Affiliate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=records.public_ids.affiliate_id, editable=False, max_length=16, unique=True
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for approval"),
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("closed", "Closed"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                ("status_note", models.CharField(blank=True, help_text="Why; the affiliate sees it.", max_length=250)),
                (
                    "country",
                    models.CharField(
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                            )
                        ],
                    ),
                ),
                (
                    "currency",
                    records.money.CurrencyField(default="EUR", help_text="The currency the affiliate is paid in."),
                ),
                ("website", models.URLField(blank=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="affiliates.affiliate",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="affiliate_joins_parent",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (NEW."parent_id" IS NOT NULL)',
                            func="\nIF NEW.parent_id IS NOT NULL THEN\n    PERFORM pg_advisory_xact_lock(20526, 0);\n    IF EXISTS (\n        WITH RECURSIVE above(id) AS (\n            SELECT NEW.parent_id\n            UNION SELECT row.parent_id FROM affiliates_affiliate row JOIN above ON row.id = above.id\n            WHERE row.parent_id IS NOT NULL\n        ) SELECT FROM above WHERE id = NEW.id\n    ) THEN\n        RAISE EXCEPTION 'affiliate_parents_in_a_circle: % stands above its own parent', NEW.name\n            USING ERRCODE = 'integrity_constraint_violation';\n    END IF;\nEND IF;\nIF TG_OP = 'UPDATE' THEN\n    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, clock_timestamp());\nELSIF NEW.parent_id IS NOT NULL THEN\n    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, NULL);\nEND IF;\nRETURN NULL;\n",
                            hash="d02d664d595c098b0fd9df30772aa0f1f44090d7",
                            operation="INSERT",
                            pgid="pgtrigger_affiliate_joins_parent_85791",
                            table="affiliates_affiliate",
                            when="AFTER",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="affiliate_changes_parent",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition='WHEN (OLD."parent_id" IS DISTINCT FROM (NEW."parent_id"))',
                            func="\nIF NEW.parent_id IS NOT NULL THEN\n    PERFORM pg_advisory_xact_lock(20526, 0);\n    IF EXISTS (\n        WITH RECURSIVE above(id) AS (\n            SELECT NEW.parent_id\n            UNION SELECT row.parent_id FROM affiliates_affiliate row JOIN above ON row.id = above.id\n            WHERE row.parent_id IS NOT NULL\n        ) SELECT FROM above WHERE id = NEW.id\n    ) THEN\n        RAISE EXCEPTION 'affiliate_parents_in_a_circle: % stands above its own parent', NEW.name\n            USING ERRCODE = 'integrity_constraint_violation';\n    END IF;\nEND IF;\nIF TG_OP = 'UPDATE' THEN\n    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, clock_timestamp());\nELSIF NEW.parent_id IS NOT NULL THEN\n    INSERT INTO affiliates_parentage (affiliate_id, parent_id, since) VALUES (NEW.id, NEW.parent_id, NULL);\nEND IF;\nRETURN NULL;\n",
                            hash="6b8d77021c1cde48c11980be585ad61e40a8c27b",
                            operation="UPDATE",
                            pgid="pgtrigger_affiliate_changes_parent_f82de",
                            table="affiliates_affiliate",
                            when="AFTER",
                        ),
                    ),
                ],
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("parent", models.F("id")), _negated=True),
                        name="affiliate_not_its_own_parent",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Parentage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="parentage", to="affiliates.affiliate"
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="affiliates.affiliate",
                    ),
                ),
                ("since", models.DateTimeField(help_text="Empty: from the beginning.", null=True)),
            ],
            options={
                "triggers": [
                    pgtrigger.compiler.Trigger(
                        name="parentage_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="87871074b33b4529741e88fdfafd8b021034ac40",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_parentage_append_only_acaa7",
                            table="affiliates_parentage",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="parentage_append_only_whole",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
                            hash="fe686bff979d621965ecb7d2aafcbed433d215fc",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_parentage_append_only_whole_b8c7f",
                            table="affiliates_parentage",
                            when="BEFORE",
                        ),
                    ),
                ],
                "verbose_name_plural": "parents over time",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="AffiliateMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="members", to="affiliates.affiliate"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("member", "Member")], default="member", max_length=8
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("affiliate", "user"), name="member_once_per_affiliate")
                ],
            },
        ),
        migrations.CreateModel(
            name="Advertiser",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=records.public_ids.advertiser_id, editable=False, max_length=16, unique=True
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True)),
                (
                    "is_active",
                    models.BooleanField(default=True, help_text="Postbacks of an inactive advertiser are refused."),
                ),
                (
                    "currency",
                    records.money.CurrencyField(
                        default="EUR", help_text="Assumed, and said in the answer, when a postback names none."
                    ),
                ),
                (
                    "default_goal",
                    models.CharField(
                        blank=True,
                        help_text="The code of the goal that is meant where another platform's postback names no event.",
                        max_length=40,
                    ),
                ),
                (
                    "sender_networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=43, validators=[records.addresses.validate_network]),
                        blank=True,
                        default=list,
                        help_text="Addresses (CIDR) that postbacks may come from; empty allows any.",
                        size=None,
                    ),
                ),
                (
                    "requires_signature",
                    models.BooleanField(
                        default=False,
                        help_text="Refuse postbacks with a token alone: each must be signed with an HMAC secret.",
                    ),
                ),
                (
                    "allows_pixel",
                    models.BooleanField(
                        default=False,
                        help_text="Take events from a pixel on the advertiser's pages, which anyone could call.",
                    ),
                ),
                (
                    "trusts_pixel",
                    models.BooleanField(
                        default=False,
                        help_text="Let the goal decide about its events at once; otherwise they wait for a postback or an operator.",
                    ),
                ),
                (
                    "pixel_hosts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253, validators=[records.addresses.validate_host]),
                        blank=True,
                        default=list,
                        help_text="Hosts of the pages that the pixel stands on; *.example.com allows every host below it; empty: any.",
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="AdvertiserSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="secrets", to="affiliates.advertiser"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("token", "Token"), ("hmac", "HMAC secret")], default="token", max_length=5
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("encrypted", models.TextField(editable=False)),
                ("label", models.CharField(blank=True, max_length=60)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["advertiser", "kind"], name="secret_by_advertiser")],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=records.public_ids.offer_id, editable=False, max_length=16, unique=True),
                ),
                (
                    "advertiser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="affiliates.advertiser"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "vertical",
                    models.CharField(
                        choices=[
                            ("igaming", "iGaming"),
                            ("forex", "Forex"),
                            ("prop", "Prop trading"),
                            ("shop", "Shop"),
                            ("leads", "Lead generation"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("active", "Active"), ("paused", "Paused"), ("ended", "Ended")],
                        default="draft",
                        max_length=8,
                    ),
                ),
                ("description", models.TextField(blank=True)),
                (
                    "terms",
                    models.TextField(
                        blank=True, help_text="What traffic is welcome and what is not; affiliates read it."
                    ),
                ),
                ("currency", records.money.CurrencyField(default="EUR")),
                (
                    "destination_url",
                    models.CharField(
                        help_text="Where visitors go. Macros such as {click_id} and {sub1} are filled in; click_id is always added.",
                        max_length=2000,
                        validators=[records.addresses.validate_destination],
                    ),
                ),
                (
                    "fallback_url",
                    models.CharField(
                        blank=True,
                        help_text="Where visitors go while the offer is paused; empty answers 410 Gone.",
                        max_length=2000,
                        validators=[records.addresses.validate_destination],
                    ),
                ),
                (
                    "deep_link_hosts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=253, validators=[records.addresses.validate_host]),
                        blank=True,
                        default=list,
                        help_text="Hosts that an affiliate's url= may lead to; *.example.com allows every host below it.",
                        size=None,
                    ),
                ),
                (
                    "pass_through",
                    models.CharField(
                        choices=[("none", "None"), ("listed", "Only those listed"), ("all", "All")],
                        default="none",
                        help_text="Whether other parameters of the link reach the destination.",
                        max_length=6,
                    ),
                ),
                (
                    "pass_through_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        blank=True,
                        default=list,
                        help_text="The parameters that are passed through when only listed ones are, for example utm_source.",
                        size=None,
                    ),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="Visitors from elsewhere go to the fallback; empty allows all countries.",
                        size=None,
                    ),
                ),
                (
                    "starts_at",
                    models.DateTimeField(blank=True, help_text="Links are closed before this moment.", null=True),
                ),
                (
                    "ends_at",
                    models.DateTimeField(blank=True, help_text="Links are closed from this moment on.", null=True),
                ),
                (
                    "daily_click_cap",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Clicks a day (UTC); then links lead to the fallback until the next day.",
                        null=True,
                    ),
                ),
                (
                    "daily_conversion_cap",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Conversions a day (UTC) that are not rejected; then links are closed too.",
                        null=True,
                    ),
                ),
                (
                    "capped_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Set when a cap is reached; the links open again by themselves.",
                        null=True,
                    ),
                ),
                (
                    "attribution_window",
                    models.DurationField(
                        default=datetime.timedelta(days=30),
                        help_text="How long after the click an event still counts, for example 30 00:00:00.",
                    ),
                ),
                (
                    "attribution_window_minimum",
                    models.DurationField(
                        blank=True,
                        help_text="An event sooner after the click is rejected, for example 00:00:02; empty: none is too soon.",
                        null=True,
                    ),
                ),
                (
                    "attribution_model",
                    models.CharField(
                        choices=[
                            ("last_click", "Last click: the one that the event names"),
                            ("first_click", "First click within the window"),
                        ],
                        default="last_click",
                        help_text="Which click is credited where several affiliates touched a customer and no lock decides.",
                        max_length=11,
                    ),
                ),
                (
                    "customer_lock",
                    models.CharField(
                        choices=[
                            ("first", "First affiliate keeps the customer"),
                            ("last", "Last click takes the customer over"),
                            ("none", "No lock: every event needs its click"),
                        ],
                        default="first",
                        max_length=5,
                    ),
                ),
                (
                    "customer_lock_expires",
                    models.DurationField(
                        blank=True,
                        help_text="After this long the customer's next click takes over; empty: the lock holds for good.",
                        null=True,
                    ),
                ),
                (
                    "requires_approval",
                    models.BooleanField(default=True, help_text="Affiliates apply; an operator approves each."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("advertiser", "name"), name="offer_name_once_per_advertiser"),
                    models.CheckConstraint(
                        condition=models.Q(("attribution_window__gt", datetime.timedelta(0))),
                        name="offer_window_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("attribution_window_minimum", None),
                            models.Q(
                                ("attribution_window_minimum__gte", datetime.timedelta(0)),
                                ("attribution_window_minimum__lt", models.F("attribution_window")),
                            ),
                            _connector="OR",
                        ),
                        name="offer_window_minimum_below_window",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("customer_lock_expires", None),
                            ("customer_lock_expires__gt", datetime.timedelta(0)),
                            _connector="OR",
                        ),
                        name="offer_lock_expiry_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("starts_at", None),
                            ("ends_at", None),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="offer_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferDestination",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="destinations", to="affiliates.offer"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "destination_url",
                    models.CharField(max_length=2000, validators=[records.addresses.validate_destination]),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}$", "A country is two capitals, as in ISO 3166: DE, BR."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="Empty: all.",
                        size=None,
                    ),
                ),
                (
                    "devices",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("desktop", "Desktop"), ("phone", "Phone"), ("tablet", "Tablet")], max_length=7
                        ),
                        blank=True,
                        default=list,
                        help_text="Empty: all.",
                        size=None,
                    ),
                ),
                (
                    "systems",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        help_text="Such as Android, iOS, Windows; empty: all.",
                        size=None,
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=100, help_text="Share among the destinations that fit a visitor; 0 switches it off."
                    ),
                ),
            ],
            options={
                "ordering": ["offer", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("offer", "name"), name="destination_name_once_per_offer")
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackingDomain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "host",
                    models.CharField(
                        help_text="go.example.com",
                        max_length=253,
                        unique=True,
                        validators=[records.addresses.validate_host],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "is_default",
                    models.BooleanField(default=False, help_text="Affiliates are shown their links on this host."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["host"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="one_default_tracking_domain",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_active", True), ("is_default", False), _connector="OR"),
                        name="default_domain_is_active",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Enrollment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "affiliate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="enrollments",
                        to="affiliates.affiliate",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="enrollments", to="affiliates.offer"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Applied"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("blocked", "Blocked"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("note", models.CharField(blank=True, help_text="Why; the affiliate sees it.", max_length=250)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("affiliate", "offer"), name="enrollment_once")],
            },
        ),
        migrations.CreateModel(
            name="CouponCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "enrollment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_codes",
                        to="affiliates.enrollment",
                    ),
                ),
                ("code", models.CharField(max_length=60)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(django.db.models.functions.text.Lower("code"), name="coupon_code_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "affiliate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to="affiliates.affiliate",
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("hint", models.CharField(editable=False, help_text="The key's first characters.", max_length=12)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
    ]
