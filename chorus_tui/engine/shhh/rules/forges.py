"""Tokens of code forges, package registries and build services."""

from __future__ import annotations

from chorus_tui.engine.shhh.rules.rule import Rule

RULES = (
    Rule(
        "github-token", "high", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,255}",
        samples=("ghp_{alnum:36}", "gho_{alnum:36}", "ghs_{alnum:36}"), near=("ghp_{alnum:12}", "ghx_{alnum:36}"),
    ),
    Rule(
        "github-fine-token", "high", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}",
        samples=("github_pat_{alnum:22}_{alnum:59}",), near=("github_pat_{alnum:6}",),
    ),
    Rule(
        "gitlab-token", "high", ("glpat-", "gloas-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-",
        "glsoat-"),
        r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_.-]{20,300}",
        samples=("glpat-{url:20}", "glrt-{url:20}", "glptt-{hex:40}"), near=("glpat-{url:8}",),
    ),
    Rule(
        "bitbucket-password", "high", ("atbb",), r"ATBB[A-Za-z0-9]{32}",
        samples=("ATBB{alnum:32}",), near=("ATBB{alnum:8}",),
    ),
    Rule(
        "atlassian-token", "high", ("atatt3",), r"ATATT3[A-Za-z0-9_=-]{40,}",
        samples=("ATATT3{url:186}",), near=("ATATT3{url:9}",),
    ),
    Rule(
        "npm-token", "high", ("npm_",), r"npm_[A-Za-z0-9]{36}",
        samples=("npm_{alnum:36}",), near=("npm_{lower:9}", "npm_config_registry_of_everything_here"),
    ),
    Rule(
        "pypi-token", "high", ("pypi-age",), r"pypi-AgE[A-Za-z0-9_-]{50,}",
        samples=("pypi-AgEIcHlwaS5vcmc{url:140}",), near=("pypi-AgE{url:9}",),
    ),
    Rule(
        "rubygems-key", "high", ("rubygems_",), r"rubygems_[a-f0-9]{48}",
        samples=("rubygems_{hex:48}",), near=("rubygems_{hex:12}",),
    ),
    Rule(
        "crates-token", "high", ("cio",), r"(?:^|[^A-Za-z0-9])(cio[A-Za-z0-9]{32})\b",
        samples=("cio{alnum:32}",), near=("cio{alnum:9}", "asocio{alnum:32}"),
    ),
    Rule(
        "docker-token", "high", ("dckr_",), r"dckr_[po]at_[A-Za-z0-9_-]{24,40}",
        samples=("dckr_pat_{url:27}",), near=("dckr_pat_{url:5}",),
    ),
    Rule(
        "artifactory-key", "high", ("akcp",), r"(?:^|[^A-Za-z0-9])(AKCp[A-Za-z0-9]{60,80})\b",
        samples=("AKCp{alnum:69}",), near=("AKCp{alnum:9}",),
    ),
    Rule(
        "nuget-key", "high", ("oy2",), r"(?:^|[^A-Za-z0-9])(oy2[a-z0-9]{43})\b",
        samples=("oy2{lowernum:43}",), near=("oy2{lowernum:9}",),
    ),
    Rule(
        "circleci-token", "high", ("ccipat_", "ccipra_"), r"CCIP(?:AT|RA)_[A-Za-z0-9]{22}_[a-f0-9]{40}",
        samples=("CCIPAT_{alnum:22}_{hex:40}",), near=("CCIPAT_{alnum:9}",),
    ),
    Rule(
        "sonar-token", "high", ("squ_", "sqp_", "sqa_"), r"sq[upa]_[a-f0-9]{40}",
        samples=("squ_{hex:40}",), near=("squ_{hex:9}",),
    ),
    Rule(
        "linear-key", "high", ("lin_api_",), r"lin_api_[A-Za-z0-9]{40}",
        samples=("lin_api_{alnum:40}",), near=("lin_api_{alnum:9}",),
    ),
    Rule(
        "notion-token", "high", ("ntn_",), r"ntn_[A-Za-z0-9]{40,50}",
        samples=("ntn_{alnum:46}",), near=("ntn_{alnum:9}",),
    ),
    Rule(
        "postman-key", "high", ("pmak-",), r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
        samples=("PMAK-{hex:24}-{hex:34}",), near=("PMAK-{hex:24}",),
    ),
    Rule(
        "figma-token", "high", ("figd_",), r"figd_[A-Za-z0-9_-]{38,60}",
        samples=("figd_{url:40}",), near=("figd_{url:9}",),
    ),
)  # fmt: skip
