"""Credentials of clouds and of what is run in them."""

from __future__ import annotations

from chorus_tui.engine.shhh.rules.rule import Rule

_IS = r"[\"'\\]{0,4}[ \t]{0,8}(?:=>|:=|[=:])[ \t]{0,8}[\"'\\]{0,4}"
"""Between a name and its value, in code, JSON (also escaped), YAML and environment."""

RULES = (
    Rule(
        "aws-access-key-id", "high", ("akia", "asia", "abia", "acca"),
        r"(?:^|[^A-Z0-9])((?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16})\b",
        samples=("AKIA{base32:16}", "ASIA{base32:16}"),
        near=("AKIA{base32:10}", "{uppernum:4}AKIA{base32:16}", "AKIA{lower:16}"),
    ),
    Rule(
        "aws-secret-key", "critical", ("secret_access_key", "secretaccesskey", "secret-access-key"),
        rf"(?i)secret[_-]?access[_-]?key{_IS}([A-Za-z0-9/+]{{40}})",
        samples=("aws_secret_access_key = «{base64:40}»", 'SecretAccessKey": "«{base64:40}»'),
        near=("secret_access_key of {alnum:40}",),
    ),
    Rule(
        "aws-session-token", "high", ("session_token", "sessiontoken"), rf"(?i)session_?token{_IS}([A-Za-z0-9/+=]{{100,}})",
        samples=("AWS_SESSION_TOKEN=«{base64:180}»",), near=("session_token is {alnum:120}",), after=2048,
    ),
    Rule(
        "aws-bedrock-key", "high", ("absk",), r"ABSK[A-Za-z0-9+/]{109,269}={0,2}",
        samples=("ABSK{base64:120}",), near=("ABSK{base64:40}",),
    ),
    Rule(
        "google-api-key", "high", ("aiza",), r"AIza[0-9A-Za-z_-]{35}",
        samples=("AIza{url:35}",), near=("AIza{url:20}",),
    ),
    Rule(
        "google-oauth-secret", "high", ("gocspx-",), r"GOCSPX-[A-Za-z0-9_-]{28}",
        samples=("GOCSPX-{url:28}",), near=("GOCSPX-{url:9}",),
    ),
    Rule(
        "google-oauth-token", "high", ("ya29.",), r"ya29\.[A-Za-z0-9_-]{20,}",
        samples=("ya29.{url:120}",), near=("ya29.{url:8}",),
    ),
    Rule(
        "google-refresh-token", "high", ("1//0",), r"\b1//0[A-Za-z0-9_-]{30,}",
        samples=("1//0{url:60}",), near=("1//0{url:9}",),
    ),
    Rule(
        "gcp-key-id", "medium", ("private_key_id",), rf"private_key_id{_IS}([0-9a-f]{{40}})",
        samples=('"private_key_id": "«{hex:40}»"',), near=('"private_key_id": "{hex:12}"',),
    ),
    Rule(
        "azure-storage-key", "critical", ("accountkey=",), r"(?i)AccountKey=([A-Za-z0-9+/]{86}==)",
        samples=("AccountName=store;AccountKey=«{base64:86}==»;EndpointSuffix=core",), near=("AccountKey={base64:20}",),
    ),
    Rule(
        "azure-shared-key", "high", ("sharedaccesskey=",), r"(?i)SharedAccessKey=([A-Za-z0-9+/]{43}=)",
        samples=("SharedAccessKeyName=root;SharedAccessKey=«{base64:43}=»",), near=("SharedAccessKey={base64:12}",),
    ),
    Rule(
        "azure-client-secret", "high", ("q~",), r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
        samples=("{alnum:3}8Q~{alnum:34}",), near=("{alnum:3}8Q~{alnum:12}",), before=5,
    ),
    Rule(
        "azure-signature", "high", ("sig=",), r"[?&;]sig=([A-Za-z0-9%/+]{42,80}(?:%3D|=))",
        samples=("https://store.example/c?sv=2024-01-01&sig=«{alnum:43}%3D»",), near=("?sig={hex:20}",), before=3,
    ),
    Rule(
        "azure-devops-token", "high", ("azdo",), r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}", samples=("{alnum:76}AZDO{alnum:4}",),
        near=("{alnum:20}AZDO{alnum:4}",), before=80,
    ),
    Rule(
        "digitalocean-token", "high", ("doo_v1_", "dop_v1_", "dor_v1_"), r"do[opr]_v1_[a-f0-9]{64}",
        samples=("dop_v1_{hex:64}",), near=("dop_v1_{hex:30}",),
    ),
    Rule(
        "heroku-key", "high", ("hrku-", "heroku"),
        r"(HRKU-AA[A-Za-z0-9_-]{20,80})|(?i:heroku)[A-Za-z0-9_ .-]{0,24}"
        + _IS
        + r"([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})",
        samples=("HRKU-AA{url:58}", "HEROKU_API_KEY=«{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}»"),
        near=("heroku app {hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}",),
    ),
    Rule(
        "cloudflare-key", "high", ("cloudflare", "cf_api", "v1.0-"),
        r"(v1\.0-[a-f0-9]{24}-[a-f0-9]{100,150})|(?i:cloudflare|cf)[A-Za-z0-9_.-]{0,24}(?i:key|token)" + _IS + r"([A-Za-z0-9_-]{37,40})\b",
        samples=("v1.0-{hex:24}-{hex:146}", "CLOUDFLARE_API_TOKEN=«{url:39}0»"),
        near=("cloudflare zone {hex:32}", "v1.0-{hex:7}"),
    ),
    Rule(
        "vault-token", "critical", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[A-Za-z0-9_-]{24,}",
        samples=("hvs.{url:90}", "hvb.{url:138}"), near=("hvs.{url:9}",),
    ),
    Rule(
        "terraform-token", "high", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}",
        samples=("{alnum:14}.atlasv1.{url:67}",), near=("{alnum:14}.atlasv1.{url:20}",), before=14,
    ),
    Rule(
        "databricks-token", "high", ("dapi",), r"dapi[a-f0-9]{32}(?:-\d)?",
        samples=("dapi{hex:32}", "dapi{hex:32}-2"), near=("dapi{hex:12}",),
    ),
    Rule(
        "alibaba-key-id", "high", ("ltai",), r"(?:^|[^A-Za-z0-9])(LTAI[A-Za-z0-9]{16,20})\b",
        samples=("LTAI{alnum:20}",), near=("LTAI{alnum:6}",),
    ),
    Rule("pulumi-token", "high", ("pul-",), r"pul-[a-f0-9]{40}", samples=("pul-{hex:40}",), near=("pul-{hex:12}",)),
    Rule(
        "doppler-token", "high", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."), r"dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9._-]{40,60}",
        samples=("dp.pt.{alnum:43}",), near=("dp.pt.{alnum:12}",),
    ),
    Rule(
        "planetscale-token", "high", ("pscale_",), r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}",
        samples=("pscale_tkn_{url:43}",), near=("pscale_tkn_{url:9}",),
    ),
    Rule(
        "supabase-key", "high", ("sbp_", "sb_secret_"), r"sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{31}",
        samples=("sbp_{hex:40}", "sb_secret_{url:31}"), near=("sbp_{hex:9}",),
    ),
    Rule(
        "grafana-token", "high", ("glsa_", "glc_"), r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2}",
        samples=("glsa_{alnum:32}_{hex:8}", "glc_{base64:60}"), near=("glsa_{alnum:9}",),
    ),
    Rule(
        "newrelic-key", "high", ("nrak-",), r"NRAK-[A-Z0-9]{27}",
        samples=("NRAK-{uppernum:27}",), near=("NRAK-{uppernum:7}",),
    ),
    Rule(
        "sentry-token", "high", ("sntrys_", "sntryu_"), r"sntrys_[A-Za-z0-9+/=_-]{40,}|sntryu_[a-f0-9]{64}",
        samples=("sntryu_{hex:64}", "sntrys_{base64:120}"), near=("sntryu_{hex:12}",),
    ),
    Rule(
        "tailscale-key", "high", ("tskey-",), r"tskey-[a-z]{3,12}-[A-Za-z0-9]{5,20}-[A-Za-z0-9]{20,60}",
        samples=("tskey-auth-{alnum:12}CNTRL-{alnum:32}",), near=("tskey-auth-{alnum:4}",),
    ),
)  # fmt: skip
