"""Detectors of access tokens whose forms detect-secrets does not know, written as its own are: one pattern each.

Sources: the documentation of Alibaba Cloud (AccessKey pairs), GitHub (token formats), npm, Hugging Face, Google Cloud
(API keys) and Anthropic on what their tokens look like. Patterns that nothing tells from other text are not here.
"""

import re
from typing import ClassVar

from detect_secrets.plugins.base import RegexBasedDetector


class AlibabaCloudKeyDetector(RegexBasedDetector):
    """The id of an AccessKey pair."""

    secret_type = "Alibaba Cloud AccessKey ID"  # noqa: S105  what it is called
    denylist: ClassVar = [re.compile(r"LTAI[A-Za-z0-9]{12,26}(?![A-Za-z0-9])")]


class FineGrainedGitHubTokenDetector(RegexBasedDetector):
    """A fine-grained personal access token."""

    secret_type = "GitHub Fine-Grained Token"  # noqa: S105  what it is called
    denylist: ClassVar = [re.compile(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}")]


class NpmAccessTokenDetector(RegexBasedDetector):
    """An access token of the npm registry."""

    secret_type = "npm Access Token"  # noqa: S105  what it is called
    denylist: ClassVar = [re.compile(r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])")]


class HuggingFaceTokenDetector(RegexBasedDetector):
    """A user access token of Hugging Face."""

    secret_type = "Hugging Face Token"  # noqa: S105  what it is called
    denylist: ClassVar = [re.compile(r"hf_[A-Za-z]{34}(?![A-Za-z0-9])")]


class GoogleApiKeyDetector(RegexBasedDetector):
    """An API key of Google Cloud."""

    secret_type = "Google API Key"  # noqa: S105  what it is called
    denylist: ClassVar = [re.compile(r"AIza[\w-]{35}(?![\w-])")]


class AnthropicKeyDetector(RegexBasedDetector):
    """An API key of Anthropic."""

    secret_type = "Anthropic API Key"  # noqa: S105  what it is called
    denylist: ClassVar = [re.compile(r"sk-ant-[a-z]{3,6}\d\d-[\w-]{60,200}")]
