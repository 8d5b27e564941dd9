"""Keys of model providers, of messaging, mail and payment services."""

from __future__ import annotations

from chorus_tui.engine.shhh.rules.rule import Rule

RULES = (
    # ── models ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Rule(
        "anthropic-key", "high", ("sk-ant-",), r"sk-ant-[A-Za-z0-9_-]{20,}",
        samples=("sk-ant-api03-{url:93}AA", "sk-ant-admin01-{url:93}AA"),
        near=("sk-ant-{url:6}",),
    ),
    Rule(
        "openai-key", "high", ("sk-",),
        r"sk-(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{20,}|(?:^|[^A-Za-z0-9_-])(sk-[A-Za-z0-9]{20,64})",
        samples=("sk-proj-{url:120}", "sk-{alnum:48}", "sk-or-v1-{hex:64}"),
        near=("sk-proj-{url:6}", "risk-{lower:30}", "sk-{lower:8}-{lower:6}"),
        before=1,
    ),
    Rule(
        "huggingface-token", "high", ("hf_",), r"hf_[A-Za-z0-9]{30,40}",
        samples=("hf_{alnum:34}",), near=("hf_{lower:9}",),
    ),
    Rule(
        "replicate-token", "high", ("r8_",), r"r8_[A-Za-z0-9]{37,40}",
        samples=("r8_{alnum:37}",), near=("r8_{alnum:9}",),
    ),
    Rule(
        "groq-key", "high", ("gsk_",), r"gsk_[A-Za-z0-9]{40,60}",
        samples=("gsk_{alnum:52}",), near=("gsk_{alnum:9}",),
    ),
    Rule(
        "xai-key", "high", ("xai-",), r"xai-[A-Za-z0-9]{60,100}",
        samples=("xai-{alnum:80}",), near=("xai-{alnum:9}",),
    ),
    Rule(
        "perplexity-key", "high", ("pplx-",), r"pplx-[A-Za-z0-9]{40,60}",
        samples=("pplx-{alnum:48}",), near=("pplx-{alnum:9}",),
    ),
    # ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────
    Rule(
        "slack-token", "high", ("xox", "xapp-"),
        r"xox[abcdeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Z0-9]{6,20}-\d{6,20}-[a-f0-9]{32,80}",
        samples=("xoxb-{digit:12}-{digit:12}-{alnum:24}", "xoxp-{digit:12}-{alnum:30}",
        "xapp-1-A{uppernum:10}-{digit:13}-{hex:64}"),
        near=("xoxb-{digit:4}", "xox-{alnum:20}"),
    ),
    Rule(
        "slack-webhook", "high", ("hooks.slack.com",),
        r"hooks\.slack\.com/((?:services|workflows|triggers)/[A-Za-z0-9+/]{30,80})",
        samples=("https://hooks.slack.com/«services/T{uppernum:8}/B{uppernum:8}/{alnum:24}»",),
        near=("https://hooks.slack.com/services/T1",),
    ),
    Rule(
        "discord-token", "high", ("discord", "bot "),
        r"(?i:discord|bot )[^\n]{0,40}?\b([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})",
        samples=("DISCORD_TOKEN=«MT{alnum:24}.{url:6}.{url:38}»",), near=("discord {alnum:20}.{alnum:6}",),
    ),
    Rule(
        "discord-webhook", "high", ("/api/webhooks/",), r"/api/webhooks/\d{17,20}/([A-Za-z0-9_-]{60,80})",
        samples=("https://discord.com/api/webhooks/{digit:18}/«{url:68}»",), near=("/api/webhooks/{digit:18}",),
    ),
    Rule(
        "telegram-token", "high", (":aa",), r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,33}",
        samples=("{digit:9}1:AA{alnum:33}",), near=("{digit:4}:AA{alnum:33}",), before=11,
    ),
    Rule(
        "teams-webhook", "high", ("webhook.office.com",), r"webhook\.office\.com/(webhookb2/[A-Za-z0-9@/_-]{60,200})",
        samples=("https://acme.webhook.office.com/«webhookb2/{hex:36}@{hex:36}/IncomingWebhook/{hex:32}/{hex:36}»",),
        near=("https://acme.webhook.office.com/",),
    ),
    Rule(
        "twilio-key", "high", tuple(f"sk{digit}" for digit in "0123456789abcdef"), r"(?:^|[^A-Za-z0-9])(SK[a-f0-9]{32})\b",
        samples=("SK{hex:32}",), near=("SK{hex:12}", "DISK{hex:32}"),
    ),
    # ── mail ───────────────────────────────────────────────────────────────────────────────────────────────────────
    Rule(
        "sendgrid-key", "high", ("sg.",), r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",
        samples=("SG.{url:22}.{url:43}",), near=("SG.{url:5}.{url:43}",),
    ),
    Rule(
        "mailgun-key", "high", ("key-",), r"(?:^|[^A-Za-z0-9])(key-[a-f0-9]{32})\b",
        samples=("key-{hex:32}",), near=("key-{hex:9}", "key-{lower:30}xyz"),
    ),
    Rule(
        "mailchimp-key", "high", ("-us",), r"\b[a-f0-9]{32}-us\d{1,2}\b",
        samples=("{hex:32}-us12",), near=("{hex:9}-us12",), before=33,
    ),
    # ── payment and shops ──────────────────────────────────────────────────────────────────────────────────────────
    Rule(
        "stripe-key", "critical", ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}|whsec_[A-Za-z0-9+/=]{32,64}",
        samples=("sk_live_{alnum:24}", "rk_test_{alnum:99}", "whsec_{alnum:32}"),
        near=("sk_live_{alnum:6}", "pk_live_{alnum:24}"),
    ),
    Rule(
        "square-token", "high", ("sq0atp-", "sq0csp-"), r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,50}",
        samples=("sq0atp-{url:22}", "sq0csp-{url:43}"), near=("sq0atp-{url:6}",),
    ),
    Rule(
        "shopify-token", "high", ("shpat_", "shpca_", "shppa_", "shpss_"), r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
        samples=("shpat_{hex:32}",), near=("shpat_{hex:9}",),
    ),
    Rule(
        "paypal-token", "critical", ("access_token$production$",), r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}",
        samples=("access_token$production${lowernum:16}${hex:32}",), near=("access_token$production${lowernum:5}",),
    ),
)  # fmt: skip
