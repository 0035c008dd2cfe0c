"""The tasks that beat sends, and how often."""

from typing import Any

from celery.schedules import crontab

# Sweeps guarantee that due work gets done; `expires` prevents a stopped worker from finding a backlog of them.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "book": {"task": "payouts.tasks.book", "schedule": 1.0, "options": {"expires": 5}},
    "closes": {"task": "payouts.tasks.close_periods", "schedule": 2.0, "options": {"expires": 4}},
    "anchors": {"task": "payouts.tasks.anchor_statements", "schedule": 20.0, "options": {"expires": 40}},
    "paid clicks": {"task": "payouts.tasks.pay_clicks", "schedule": 120.0, "options": {"expires": 240}},
    "what-ifs": {"task": "payouts.tasks.answer_what_ifs", "schedule": 2.0, "options": {"expires": 4}},
    "caps": {"task": "conversions.tasks.close_capped_offers", "schedule": 5.0, "options": {"expires": 10}},
    "marks": {"task": "tracking.tasks.mark_clicks", "schedule": 2.0, "options": {"expires": 4}},
    "approve": {"task": "conversions.tasks.approve", "schedule": 30.0, "options": {"expires": 60}},
    "waits": {"task": "conversions.tasks.re_evaluate_waits", "schedule": 15.0, "options": {"expires": 30}},
    "reviews": {"task": "conversions.tasks.keep_up_reviews", "schedule": 20.0, "options": {"expires": 40}},
    "pace": {"task": "conversions.tasks.count_usual_pace", "schedule": 3600.0, "options": {"expires": 3600}},
    "parked": {"task": "conversions.tasks.try_parked_again", "schedule": 5.0, "options": {"expires": 15}},
    "late clicks": {"task": "conversions.tasks.complete_late_clicks", "schedule": 15.0, "options": {"expires": 30}},
    "left over": {"task": "conversions.tasks.resume_left_over", "schedule": 10.0, "options": {"expires": 30}},
    "event partitions": {
        "task": "records.tasks.keep_event_partitions",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "partitions": {"task": "tracking.tasks.make_partitions", "schedule": 3600.0, "options": {"expires": 3600}},
    # The ECB publishes at about 16:00 in Frankfurt, which is 14:00 or 15:00 UTC.
    "rates": {
        "task": "payouts.tasks.fetch_exchange_rates",
        "schedule": crontab(hour="15", minute="40"),
        "options": {"expires": 6 * 3600},
    },
    "retention": {
        "task": "tracking.tasks.apply_retention",
        "schedule": crontab(hour="3", minute="20"),
        "options": {"expires": 6 * 3600},
    },
}
