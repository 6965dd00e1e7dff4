"""The keys of well-known providers, each as data: the mark it begins with, what follows, and where the provider says so."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from stopper.core.later_pattern import later

_WORD: Final = "A-Za-z0-9"
_URL: Final = r"A-Za-z0-9_\-"
_HEX: Final = "0-9a-f"
_BASE64: Final = "A-Za-z0-9+/"
_UUID: Final = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class KeyFormat(NamedTuple):
    """One format. A mark stays in the log, what follows goes.

    ``body``: the characters that follow, as the inside of a character class; ``least``: how many of them. Where that does not say
    it, ``pattern`` does: its first group stays, and ``hint`` is a text without which it cannot match.
    """

    provider: str
    marks: tuple[str, ...]
    body: str
    least: int
    source: str
    pattern: str = ""
    hint: str = ""


FORMATS: Final = (
    KeyFormat("AWS access key id", ("AKIA", "ASIA", "ABIA", "ACCA"), "0-9A-Z", 16, "docs.aws.amazon.com IAM, unique identifiers"),
    KeyFormat("AWS Bedrock", ("ABSK",), _BASE64, 100, "docs.aws.amazon.com Bedrock, API keys"),
    KeyFormat("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _WORD, 20, "github.blog, behind GitHub's new token formats"),
    KeyFormat("GitHub, fine-grained", ("github_pat_",), _WORD + "_", 20, "docs.github.com, personal access tokens"),
    KeyFormat(
        "GitLab",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-", "glwt-"),
        _URL, 16, "docs.gitlab.com, token overview, token prefixes",
    ),
    KeyFormat("Slack", ("xoxa-", "xoxb-", "xoxe-", "xoxe.xoxb-", "xoxe.xoxp-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"), _WORD + r"\-", 11, "api.slack.com, token types"),
    KeyFormat("Slack app", ("xapp-",), _WORD + r"\-", 20, "api.slack.com, token types"),
    KeyFormat("Slack webhook", (), "", 0, "api.slack.com, incoming webhooks", r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9+/]{20,}", "hooks.slack.com/"),
    KeyFormat("Stripe", ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_", "whsec_"), _WORD, 10, "docs.stripe.com, API keys"),
    KeyFormat("OpenAI project", ("sk-proj-", "sk-svcacct-", "sk-admin-"), _URL, 20, "platform.openai.com, API keys"),
    KeyFormat("Anthropic", ("sk-ant-",), _URL, 20, "docs.anthropic.com, API keys"),
    KeyFormat("OpenRouter", ("sk-or-v1-",), _HEX, 20, "openrouter.ai docs, authentication"),
    KeyFormat(
        "OpenAI and those who write as it does", (), "", 0, "platform.openai.com, API keys",
        r"\b(sk-)(?:[A-Za-z]+-)*(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}", "sk-",
    ),
    KeyFormat("Google API", ("AIza",), _URL, 35, "cloud.google.com, API keys"),
    KeyFormat("Google OAuth client secret", ("GOCSPX-",), _URL, 20, "developers.google.com, OAuth clients"),
    KeyFormat("Google access token", ("ya29.",), _URL + ".", 20, "developers.google.com, OAuth 2.0"),
    KeyFormat("SendGrid", (), "", 0, "docs.sendgrid.com, API keys", r"\b(SG\.)[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", "SG."),
    KeyFormat("npm", ("npm_",), _WORD, 36, "docs.npmjs.com, access tokens"),
    KeyFormat("PyPI", ("pypi-",), _URL, 40, "pypi.org/help, API tokens"),
    KeyFormat("RubyGems", ("rubygems_",), _HEX, 48, "guides.rubygems.org, API keys"),
    KeyFormat("crates.io", ("cio",), _WORD, 32, "crates.io, tokens with a prefix since 2022"),
    KeyFormat("Clojars", ("CLOJARS_",), _HEX, 60, "github.com/clojars wiki, deploy tokens"),
    KeyFormat("NuGet", ("oy2",), "0-9a-z", 43, "learn.microsoft.com, NuGet API keys"),
    KeyFormat("Docker Hub", ("dckr_pat_", "dckr_oat_"), _URL, 20, "docs.docker.com, access tokens"),
    KeyFormat("Hugging Face", ("hf_", "api_org_"), _WORD, 30, "huggingface.co/docs, user access tokens"),
    KeyFormat("Replicate", ("r8_",), _WORD, 30, "replicate.com/docs, API tokens"),
    KeyFormat("Groq", ("gsk_",), _WORD, 40, "console.groq.com/docs, API keys"),
    KeyFormat("xAI", ("xai-",), _WORD, 60, "docs.x.ai, API keys"),
    KeyFormat("Perplexity", ("pplx-",), _WORD, 40, "docs.perplexity.ai, API keys"),
    KeyFormat("Pinecone", ("pcsk_",), _WORD + "_", 40, "docs.pinecone.io, API keys"),
    KeyFormat("LangSmith", ("lsv2_pt_", "lsv2_sk_"), _WORD + "_", 30, "docs.smith.langchain.com, API keys"),
    KeyFormat("DigitalOcean", ("dop_v1_", "doo_v1_", "dor_v1_"), _HEX, 64, "docs.digitalocean.com, API tokens"),
    KeyFormat("Heroku", ("HRKU-",), _URL, 40, "devcenter.heroku.com, token prefix"),
    KeyFormat("Fly.io", ("fo1_", "fm1r_", "fm1a_", "fm2_"), _BASE64 + r"_\-", 40, "fly.io/docs, access tokens"),
    KeyFormat("Netlify", ("nfp_", "nfc_"), _WORD, 30, "docs.netlify.com, access tokens"),
    KeyFormat("Render", ("rnd_",), _WORD, 24, "render.com/docs, API"),
    KeyFormat("Neon", ("napi_",), _WORD, 40, "neon.tech/docs, API keys"),
    KeyFormat("PlanetScale", ("pscale_tkn_", "pscale_pw_", "pscale_oauth_"), _URL + ".=", 32, "planetscale.com/docs, service tokens"),
    KeyFormat("Supabase", ("sbp_", "sb_secret_"), _URL, 20, "supabase.com/docs, API keys"),
    KeyFormat("Databricks", ("dapi",), _HEX, 32, "docs.databricks.com, access tokens"),
    KeyFormat("HashiCorp Vault", ("hvs.", "hvb.", "hvr."), _URL, 20, "developer.hashicorp.com, Vault token prefixes"),
    KeyFormat("Terraform Cloud", (), "", 0, "developer.hashicorp.com, HCP Terraform API tokens", r"\b([A-Za-z0-9]{4})[A-Za-z0-9]{10}\.atlasv1\.[A-Za-z0-9_=-]{40,}", ".atlasv1."),
    KeyFormat("Doppler", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."), _WORD + "._", 40, "docs.doppler.com, token formats"),
    KeyFormat("Pulumi", ("pul-",), _HEX, 40, "pulumi.com/docs, access tokens"),
    KeyFormat("Tailscale", ("tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-"), _WORD + r"\-", 16, "tailscale.com/kb, key prefixes"),
    KeyFormat("1Password service account", ("ops_",), _BASE64 + r"_=\-", 100, "developer.1password.com, service accounts"),
    KeyFormat("age", ("AGE-SECRET-KEY-1",), "0-9A-Z", 50, "github.com/FiloSottile/age, key format"),
    KeyFormat("New Relic", ("NRAK-", "NRII-", "NRJS-", "NRRA-"), _WORD + r"\-", 19, "docs.newrelic.com, API keys"),
    KeyFormat("Grafana", ("glsa_", "glc_"), _BASE64 + "_", 32, "grafana.com/docs, service accounts"),
    KeyFormat("Dynatrace", ("dt0c01.", "dt0s01.", "dt0s02.", "dt0s16."), _WORD + ".", 60, "docs.dynatrace.com, token format"),
    KeyFormat("Sentry", ("sntrys_", "sntryu_"), _BASE64 + "_=", 40, "docs.sentry.io, auth tokens"),
    KeyFormat("SonarQube", ("squ_", "sqp_", "sqa_"), _HEX, 40, "docs.sonarsource.com, tokens"),
    KeyFormat("Sourcegraph", ("sgp_local_", "sgp_"), _HEX + "A-F_", 40, "sourcegraph.com/docs, token format"),
    KeyFormat("CircleCI", ("CCIPAT_", "CCIPRJ_"), _WORD + "_", 30, "circleci.com/docs, API tokens"),
    KeyFormat("Buildkite", ("bkua_", "bkaj_", "bkct_"), _WORD, 30, "buildkite.com/docs, token security"),
    KeyFormat("Postman", ("PMAK-",), _HEX + r"\-", 50, "learning.postman.com, API keys"),
    KeyFormat("Linear", ("lin_api_", "lin_oauth_"), _WORD, 40, "developers.linear.app, API keys"),
    KeyFormat("Notion", ("ntn_", "secret_"), _WORD, 40, "developers.notion.com, token format"),
    KeyFormat("Figma", ("figd_", "figu_"), _URL, 30, "figma.com/developers, access tokens"),
    KeyFormat("Airtable", (), "", 0, "airtable.com/developers, personal access tokens", r"\b(pat[A-Za-z0-9]{4})[A-Za-z0-9]{10}\.[0-9a-f]{64}\b", "pat"),
    KeyFormat("Atlassian", ("ATATT3", "ATCTT3", "ATBB"), _URL + "=", 28, "support.atlassian.com, API tokens"),
    KeyFormat("Trello", ("ATTA",), _HEX, 60, "developer.atlassian.com, Trello tokens"),
    KeyFormat("Shopify", ("shpat_", "shpca_", "shppa_", "shpss_"), "0-9a-fA-F", 32, "shopify.dev, access tokens"),
    KeyFormat("Square", ("sq0atp-", "sq0csp-", "sq0idp-", "EAAA"), _URL, 22, "developer.squareup.com, access tokens"),
    KeyFormat("PayPal Braintree", (), "", 0, "developer.paypal.com, Braintree access tokens", r"(access_token\$(?:production|sandbox)\$)[0-9a-z$]{40,}", "access_token$"),
    KeyFormat("Razorpay", ("rzp_live_", "rzp_test_"), _WORD, 14, "razorpay.com/docs, API keys"),
    KeyFormat("Flutterwave", ("FLWSECK-", "FLWSECK_TEST-"), _WORD + r"\-", 12, "developer.flutterwave.com, API keys"),
    KeyFormat("Plaid", (), "", 0, "plaid.com/docs, tokens", rf"\b(access-(?:sandbox|development|production)-){_UUID}", "access-"),
    KeyFormat("Twilio API key", (), "", 0, "twilio.com/docs, API keys", r"(?<![A-Za-z0-9])(SK)[0-9a-f]{32}(?![0-9a-f])", "SK"),
    KeyFormat("Mailgun", ("key-",), _HEX, 32, "documentation.mailgun.com, API keys"),
    KeyFormat("Mailchimp", (), "", 0, "mailchimp.com/developer, API keys", r"(?<![A-Za-z0-9])([0-9a-f]{4})[0-9a-f]{28}-us[0-9]{1,2}\b", "-us"),
    KeyFormat("Brevo", ("xkeysib-", "xsmtpsib-"), _HEX + r"A-Za-z\-", 60, "developers.brevo.com, API keys"),
    KeyFormat("Telegram bot", (), "", 0, "core.telegram.org/bots, tokens", r"(?<![A-Za-z0-9])([0-9]{8,10}:)AA[A-Za-z0-9_-]{32,33}(?![A-Za-z0-9_-])", ":AA"),
    KeyFormat("Discord bot", (), "", 0, "discord.com/developers, authentication", r"(?<![A-Za-z0-9_-])([MNO][A-Za-z0-9_-]{4})[A-Za-z0-9_-]{18,22}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}", "."),
    KeyFormat("Meta", ("EAA",), _WORD, 80, "developers.facebook.com, access tokens"),
    KeyFormat("Typeform", ("tfp_",), _URL + ".=", 40, "typeform.com/developers, personal access tokens"),
    KeyFormat("Contentful", ("CFPAT-",), _URL, 40, "contentful.com/developers, management tokens"),
    KeyFormat("Mapbox", (), "", 0, "docs.mapbox.com, access tokens", r"(?<![A-Za-z0-9])(sk\.)eyJ[A-Za-z0-9_.-]{40,}", "sk.eyJ"),
    KeyFormat("HubSpot", (), "", 0, "developers.hubspot.com, private apps", rf"\b(pat-[a-z]{{2}}[0-9]-){_UUID}", "pat-"),
    KeyFormat("LaunchDarkly", ("sdk-", "mob-", "api-"), "", 0, "docs.launchdarkly.com, keys", rf"(?<![A-Za-z0-9-])((?:sdk|mob|api)-){_UUID}"),
    KeyFormat("Shippo", ("shippo_live_", "shippo_test_"), _HEX, 40, "docs.goshippo.com, authentication"),
    KeyFormat("EasyPost", ("EZAK", "EZTK"), _WORD, 54, "docs.easypost.com, API keys"),
    KeyFormat("Duffel", ("duffel_live_", "duffel_test_"), _URL + "=", 40, "duffel.com/docs, access tokens"),
    KeyFormat("Dropbox", ("sl.",), _URL, 100, "dropbox.com/developers, short-lived tokens"),
    KeyFormat("Adobe", ("p8e-",), _WORD, 32, "developer.adobe.com, OAuth credentials"),
    KeyFormat("Artifactory", ("AKCp", "cmVmd"), _WORD, 59, "jfrog.com/help, API keys and reference tokens"),
    KeyFormat("Alibaba Cloud", ("LTAI",), _WORD, 12, "alibabacloud.com/help, AccessKey pairs"),
    KeyFormat("Tencent Cloud", ("AKID",), _WORD, 32, "cloud.tencent.com/document, CAM keys"),
    KeyFormat("Yandex Cloud", ("AQVN",), _URL, 35, "yandex.cloud/docs, API keys"),
    KeyFormat("Azure AD client secret", (), "", 0, "learn.microsoft.com, client secrets", r"(?<![A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~)[A-Za-z0-9_~.-]{31,34}", "Q~"),
    KeyFormat("Azure storage and service bus", (), "", 0, "learn.microsoft.com, connection strings", r"((?:Account|SharedAccess)Key=)[A-Za-z0-9+/]{40,}={0,2}", "Key="),
    KeyFormat("Azure shared access signature", (), "", 0, "learn.microsoft.com, SAS", r"([?&;]sig=)[A-Za-z0-9%+/]{40,}={0,2}", "sig="),
    KeyFormat("Microsoft Teams webhook", (), "", 0, "learn.microsoft.com, incoming webhooks", r"(webhook\.office\.com/webhookb2/)[^\s\"']{36,400}", "webhookb2/"),
    KeyFormat("Discord webhook", (), "", 0, "discord.com/developers, webhooks", r"(discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/)[A-Za-z0-9_-]{60,}", "/api/webhooks/"),
    KeyFormat("OpenShift", (), "", 0, "docs.openshift.com, OAuth access tokens", r"(sha256~)[A-Za-z0-9_-]{40,}", "sha256~"),
    KeyFormat("Octopus Deploy", ("API-",), "0-9A-Z", 25, "octopus.com/docs, API keys"),
    KeyFormat("Infracost", ("ico-",), _WORD, 32, "infracost.io/docs, API keys"),
    KeyFormat("Prefect", ("pnu_", "pnb_"), _WORD, 36, "docs.prefect.io, API keys"),
    KeyFormat("ReadMe", ("rdme_",), "0-9a-z", 60, "docs.readme.com, API keys"),
    KeyFormat("Cloudflare origin CA", ("v1.0-",), _HEX + r"\-", 100, "developers.cloudflare.com, origin CA keys"),
    KeyFormat("Frame.io", ("fio-u-",), _URL + "=", 60, "developer.frame.io, tokens"),
)  # fmt: skip


def _compiled(one: KeyFormat) -> str:
    if one.pattern:
        return one.pattern
    marks = "|".join(re.escape(mark) for mark in one.marks)
    return rf"(?<![A-Za-z0-9])({marks})[{one.body}]{{{one.least},}}"


PATTERNS: Final = tuple(later(_compiled(one)) for one in FORMATS)
"""The pattern of every format; its first group is what stays."""
_NEEDED: Final = tuple((one.hint,) if one.hint else one.marks for one in FORMATS)
"""The texts of which one stands wherever that format matches; every format has some."""


def one_of(texts: Iterable[str]) -> str:
    """A pattern for any of *texts*, letter by letter: a list of two hundred alternatives would be tried one by one at each place."""
    following: dict[str, list[str]] = {}
    for text in texts:
        if not text:
            return ""
        following.setdefault(text[0], []).append(text[1:])
    branches = [re.escape(first) + one_of(rest) for first, rest in following.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


_MARKED: Final = re.compile(one_of(text for needed in _NEEDED for text in needed if text != "."))
_DOTTED: Final = next(pattern for pattern, needed in zip(PATTERNS, _NEEDED, strict=True) if needed == (".",))
"""The one format that has no mark but two dots."""


def first_format(text: str) -> re.Match[str] | None:
    """What the first of the formats, in their order, finds in *text*. One look says for most texts that none can."""
    if _MARKED.search(text) is None:
        return _DOTTED.search(text) if text.count(".") > 1 else None
    for pattern, needed in zip(PATTERNS, _NEEDED, strict=True):
        if any(one in text for one in needed) and (found := pattern.search(text)) is not None:
            return found
    return None
